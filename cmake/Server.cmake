# Library `mlpd_server` (server/ without main.c, so that tests can link it) and the executable `mlpd`.
file(GLOB_RECURSE server_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/server/*.c)
file(GLOB_RECURSE server_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/server/*.h)
list(FILTER server_sources EXCLUDE REGEX "/main\\.c$")

# What is missing has been said (Packages.cmake): here is how each is linked. An option's part of C is `#if MLPD_NAME`.
pkg_check_modules(MICROHTTPD REQUIRED QUIET IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(CJSON REQUIRED QUIET IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED QUIET IMPORTED_TARGET sqlite3)
pkg_check_modules(ZLIB REQUIRED QUIET IMPORTED_TARGET zlib)
set(optional_targets "")
set(optional_definitions "")
foreach(part INIH=inih ZSTD=libzstd PNG=libpng SYSTEMD=libsystemd)
    string(REPLACE "=" ";" part ${part})
    list(GET part 0 name)
    list(GET part 1 module)
    if(has_${name})
        pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${module})
        list(APPEND optional_targets PkgConfig::${name})
        list(APPEND optional_definitions MLPD_${name}=1)
    endif()
endforeach()

# Every number of a request of raw floats is looked at: -O2 does that one by one.
set_source_files_properties(${PROJECT_SOURCE_DIR}/server/predict/instances.c PROPERTIES COMPILE_OPTIONS "-O3")

if(server_sources)
    add_library(mlpd_server STATIC ${server_sources} ${server_headers})
    target_include_directories(mlpd_server PUBLIC ${PROJECT_SOURCE_DIR}/server)
    target_compile_definitions(mlpd_server PUBLIC ${optional_definitions}
        PRIVATE MLPD_VERSION="${PROJECT_VERSION}"
        # Where the page lies: beside the binary in a build tree, else from the binary's folder along this path.
        MLPD_STATIC_BUILD="static" MLPD_STATIC_INSTALLED="../${CMAKE_INSTALL_DATADIR}/mlpd/static")
    target_link_libraries(mlpd_server PUBLIC mlp PkgConfig::MICROHTTPD PkgConfig::CJSON PkgConfig::SQLITE PkgConfig::ZLIB
        ${optional_targets} PRIVATE mlpd_flags)
endif()

if(TARGET mlpd_server AND EXISTS ${PROJECT_SOURCE_DIR}/server/daemon/main.c)
    # A new commit links the executable again, and compiles nothing but its name.
    set(commit_file ${PROJECT_BINARY_DIR}/commit.c)
    add_custom_target(commit COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${commit_file}
        -P ${PROJECT_SOURCE_DIR}/cmake/commit.cmake BYPRODUCTS ${commit_file} VERBATIM)
    add_executable(mlpd ${PROJECT_SOURCE_DIR}/server/daemon/main.c ${commit_file})
    add_dependencies(mlpd commit)
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
