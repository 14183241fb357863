# Run by each build: the source's commit as a C file, rewritten only where it changed. A build of an archive takes the commit that git
# wrote into it; without either it is "unknown".
# usage: cmake -DSOURCE=FOLDER -DOUTPUT=FILE.c -P commit.cmake
set(commit "")
if(EXISTS ${SOURCE}/.git)
    execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
        OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
    if(failed)
        set(commit "")
    endif()
elseif(EXISTS ${SOURCE}/cmake/commit-of-archive)
    file(STRINGS ${SOURCE}/cmake/commit-of-archive commit LIMIT_COUNT 1)
endif()
if(NOT commit MATCHES "^[0-9a-f]+(-dirty)?$")
    set(commit unknown)
endif()
set(text "/* Written by cmake/commit.cmake. */\n#include \"daemon/commit.h\"\n\nconst char daemon_commit[] = \"${commit}\";\n")
set(before "")
if(EXISTS ${OUTPUT})
    file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
    file(WRITE ${OUTPUT} "${text}")
endif()
