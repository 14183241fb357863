# The page: static/ as it is in <build>/static, each text file beside its .gz.
file(GLOB_RECURSE page_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/static/*)
if(page_files)
    find_program(GZIP gzip)
    set(page_stamp ${PROJECT_BINARY_DIR}/static.stamp)
    add_custom_command(OUTPUT ${page_stamp}
        COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR} -DGZIP=${GZIP}
            -P ${PROJECT_SOURCE_DIR}/cmake/page-copy.cmake
        COMMAND ${CMAKE_COMMAND} -E touch ${page_stamp}
        DEPENDS ${page_files} ${PROJECT_SOURCE_DIR}/cmake/page-copy.cmake
        COMMENT "Copying the page" VERBATIM)
    add_custom_target(page ALL DEPENDS ${page_stamp})
    install(DIRECTORY ${PROJECT_BINARY_DIR}/static/ DESTINATION ${CMAKE_INSTALL_DATADIR}/mlpd/static)
endif()
