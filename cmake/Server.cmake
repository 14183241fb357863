# Library `mlpd_server` (server/ without main.c, so that tests can link it) and the executable `mlpd`.
file(GLOB_RECURSE server_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/server/*.c)
file(GLOB_RECURSE server_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/server/*.h)
list(FILTER server_sources EXCLUDE REGEX "/main\\.c$")

pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson>=1.7.15)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(INIH IMPORTED_TARGET inih)

# Optional parts: option NAME is on where its library is found. In C: `#if MLPD_NAME`.
set(optional_targets "")
set(optional_definitions "")
function(optional_library name module text)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
    option(MLPD_${name} "${text}" ${${name}_FOUND})
    if(MLPD_${name} AND NOT ${name}_FOUND)
        message(FATAL_ERROR "MLPD_${name} is on, but ${module} is not installed: install it or say -DMLPD_${name}=OFF")
    endif()
    if(MLPD_${name})
        list(APPEND optional_targets PkgConfig::${name})
        list(APPEND optional_definitions MLPD_${name}=1)
    endif()
    set(optional_targets "${optional_targets}" PARENT_SCOPE)
    set(optional_definitions "${optional_definitions}" PARENT_SCOPE)
endfunction()
optional_library(TLS gnutls "HTTPS through libmicrohttpd and GnuTLS")
optional_library(ZSTD libzstd "zstd-compressed request bodies")
optional_library(PNG libpng "PNG images in predictions")
optional_library(SYSTEMD libsystemd "Readiness, watchdog and socket activation under systemd")

# Every number of a request of raw floats is looked at: -O2 does that one by one.
set_source_files_properties(${PROJECT_SOURCE_DIR}/server/predict/instances.c PROPERTIES COMPILE_OPTIONS "-O3")

if(server_sources)
    add_library(mlpd_server STATIC ${server_sources} ${server_headers})
    target_include_directories(mlpd_server PUBLIC ${PROJECT_SOURCE_DIR}/server)
    target_compile_definitions(mlpd_server PUBLIC ${optional_definitions}
        $<$<BOOL:${INIH_FOUND}>:MLPD_INIH=1>
        PRIVATE MLPD_VERSION="${PROJECT_VERSION}"
        # Where the page lies: beside the binary in a build tree, else from the binary's folder along this path.
        MLPD_STATIC_BUILD="static" MLPD_STATIC_INSTALLED="../${CMAKE_INSTALL_DATADIR}/mlpd/static")
    target_link_libraries(mlpd_server PUBLIC mlp PkgConfig::MICROHTTPD PkgConfig::CJSON PkgConfig::SQLITE PkgConfig::ZLIB
        ${optional_targets} $<$<BOOL:${INIH_FOUND}>:PkgConfig::INIH> PRIVATE mlpd_flags)
endif()

if(TARGET mlpd_server AND EXISTS ${PROJECT_SOURCE_DIR}/server/daemon/main.c)
    add_executable(mlpd ${PROJECT_SOURCE_DIR}/server/daemon/main.c)
    target_link_libraries(mlpd PRIVATE mlpd_server mlpd_flags)
    target_compile_definitions(mlpd PRIVATE MLPD_VERSION="${PROJECT_VERSION}")
    set_target_properties(mlpd PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS mlpd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    # The unit names the installed binary, so it is written when the prefix is known: at installation.
    install(CODE "
        set(bin \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
        foreach(unit mlpd.service mlpd.socket)
            configure_file(\"${PROJECT_SOURCE_DIR}/systemd/\${unit}.in\" \"${PROJECT_BINARY_DIR}/systemd/\${unit}\" @ONLY)
            file(INSTALL \"${PROJECT_BINARY_DIR}/systemd/\${unit}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")
        endforeach()")
endif()
