# Run by the build: SOURCE/static into BUILD/static, its texts also compressed.
set(target ${BUILD}/static)
file(REMOVE_RECURSE ${target})
file(COPY ${SOURCE}/static/ DESTINATION ${target})

if(GZIP)
    file(GLOB_RECURSE texts ${target}/*.js ${target}/*.css ${target}/*.html ${target}/*.svg)
    if(texts)
        execute_process(COMMAND ${GZIP} -9 -n -k -f ${texts} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endif()
