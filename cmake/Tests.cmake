# CTest: tests/unit/ROOM/test_*.c (Check, one program each), tests/api/*.test.mjs (node), the architecture, the service unit.
# COST: which start first, so that none of the long ones runs on alone at the end.
if(PkgConfig_FOUND)
    pkg_check_modules(CHECK QUIET IMPORTED_TARGET check>=0.15)
endif()
find_program(NODE NAMES node nodejs)

set(tap_dir ${PROJECT_BINARY_DIR}/tap)
file(MAKE_DIRECTORY ${tap_dir})
set(sanitizer_env
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0")
# However few processors there are: so that races between those that take requests show.
if(MLPD_SANITIZE)
    list(APPEND sanitizer_env "MLPD_HTTP_THREADS=2")
endif()
set(MLPD_PATIENCE 1 CACHE STRING "How many times longer than usual a test may take: for a busy or slow machine")
set(patience ${MLPD_PATIENCE})
if(MLPD_SANITIZE)
    math(EXPR patience "4 * ${MLPD_PATIENCE}")
endif()
option(MLPD_LONG "Tests that may go on for long do: fuzzers, kills, crowds, faults (./check --long)" OFF)
set(fuzz_seconds 2)
set(long_env "")
set(long 1)
if(MLPD_LONG)
    set(long 10) # times as long as usual
    set(fuzz_seconds 60)
    math(EXPR crash_rounds "100 / ${patience}")
    list(APPEND long_env "MLPD_CRASH_ROUNDS=${crash_rounds}" "MLPD_DAMAGE_ROUNDS=${crash_rounds}" "MLPD_SOAK_SECONDS=120"
        "MLPD_VERSIONS_ROUNDS=300" "MLPD_ATOMIC_ROUNDS=400")
endif()
math(EXPR test_timeout_s "180 * ${long} * ${patience}")
math(EXPR check_patience "3 * ${patience}")

# Where the thread sanitizer would watch one thread alone, for minutes: the float64 reference, and the kernels' plain loops. What they call is
# watched as ever.
if(MLPD_SANITIZE MATCHES "thread")
    set_source_files_properties(tests/unit/helper_reference.c tests/unit/kernels/test_kernels.c PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
endif()

# The server's own tests may link only part of it: each test program gets both libraries, and both rooms' headers.
file(GLOB unit_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/*/test_*.c)
file(GLOB unit_helpers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/helper_*.c)
# Whether a test includes a header of server/, itself or by a helper.
function(needs_server source result)
    file(STRINGS ${source} includes REGEX "^#include \"")
    foreach(include ${includes})
        string(REGEX REPLACE ".*\"(.*)\".*" "\\1" header ${include})
        if(EXISTS ${PROJECT_SOURCE_DIR}/server/${header})
            set(${result} TRUE PARENT_SCOPE)
            return()
        endif()
        if(EXISTS ${PROJECT_SOURCE_DIR}/tests/unit/${header})
            needs_server(${PROJECT_SOURCE_DIR}/tests/unit/${header} found)
            if(found)
                set(${result} TRUE PARENT_SCOPE)
                return()
            endif()
        endif()
    endforeach()
    set(${result} FALSE PARENT_SCOPE)
endfunction()
if(NOT TARGET mlpd_server)
    foreach(source ${unit_tests} ${unit_helpers})
        needs_server(${source} found)
        if(found)
            list(REMOVE_ITEM unit_tests ${source})
            list(REMOVE_ITEM unit_helpers ${source})
        endif()
    endforeach()
endif()
if(CHECK_FOUND)
    add_library(test_helpers OBJECT ${unit_helpers})
    target_include_directories(test_helpers PUBLIC ${PROJECT_SOURCE_DIR}/engine ${PROJECT_SOURCE_DIR}/tests/unit)
    target_compile_definitions(test_helpers PUBLIC TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
        TEST_OPENAPI="${PROJECT_SOURCE_DIR}/static/openapi.json"
        $<$<BOOL:${mlp_x86}>:MLP_X86=1>)
    target_compile_options(test_helpers PUBLIC -Wno-pedantic)
    target_link_libraries(test_helpers PUBLIC $<TARGET_NAME_IF_EXISTS:mlpd_server> mlp PkgConfig::CHECK mlpd_flags)
    foreach(source ${unit_tests})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE test_helpers)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        add_test(NAME unit/${name} COMMAND ${name})
        set_tests_properties(unit/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${test_timeout_s}
            ENVIRONMENT "CK_TAP_LOG_FILE_NAME=${tap_dir}/unit_${name}.tap;CK_TIMEOUT_MULTIPLIER=${check_patience};${sanitizer_env}")
    endforeach()
endif()

file(GLOB api_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/api/*.test.mjs)
if(TARGET mlpd AND NODE)
    foreach(source ${api_tests})
        get_filename_component(name ${source} NAME_WE)
        add_test(NAME api/${name}
            COMMAND ${PROJECT_SOURCE_DIR}/cmake/node-test.sh ${NODE} ${source} ${tap_dir}/api_${name}.tap)
        set_tests_properties(api/${name} PROPERTIES TIMEOUT ${test_timeout_s}
            ENVIRONMENT "MLPD_BIN=$<TARGET_FILE:mlpd>;MLPD_TEST_PATIENCE=${patience};${long_env};${sanitizer_env}")
    endforeach()
endif()

# Deaths of the daemon, crowds, and how well any table is read. A little of it here; more by hand: MLPD_BIN=build/release/mlpd MLPD_CRASH_ROUNDS=200 node --test
# tests/crash/crash.test.mjs; the soak test says its own.
math(EXPR crash_timeout_s "300 * ${long} * ${patience}")
foreach(room crash soak tables)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${room}/*.test.mjs)
    if(NOT TARGET mlpd OR NOT NODE)
        continue()
    endif()
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        add_test(NAME ${room}/${name}
            COMMAND ${PROJECT_SOURCE_DIR}/cmake/node-test.sh ${NODE} ${source} ${tap_dir}/${room}_${name}.tap)
        set_tests_properties(${room}/${name} PROPERTIES TIMEOUT ${crash_timeout_s} COST 50
            ENVIRONMENT "MLPD_BIN=$<TARGET_FILE:mlpd>;MLPD_TEST_PATIENCE=${patience};${long_env};${sanitizer_env}")
    endforeach()
endforeach()

# What fails or runs out, by a preloaded library. All allocations by hand: MLPD_FAULT_STRIDE=1, MLPD_BIN and MLPD_FAULT_LIBRARY as here.
# The thread sanitizer takes no library before its own.
file(GLOB fault_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fault/*.test.mjs)
if(TARGET mlpd AND NODE AND NOT MLPD_SANITIZE MATCHES "thread")
    add_library(fault MODULE ${PROJECT_SOURCE_DIR}/tests/fault/fault.c)
    target_compile_options(fault PRIVATE -Wall -Wextra -Wconversion)
    target_link_libraries(fault PRIVATE ${CMAKE_DL_LIBS})
    add_library(freeze MODULE ${PROJECT_SOURCE_DIR}/tests/fault/freeze.c)
    target_compile_options(freeze PRIVATE -Wall -Wextra -Wconversion)
    math(EXPR fault_stride "20 * ${patience} / ${long}")
    math(EXPR fault_timeout_s "600 * ${long}")
    foreach(source ${fault_tests})
        get_filename_component(name ${source} NAME_WE)
        add_test(NAME fault/${name}
            COMMAND ${PROJECT_SOURCE_DIR}/cmake/node-test.sh ${NODE} ${source} ${tap_dir}/fault_${name}.tap)
        set_tests_properties(fault/${name} PROPERTIES TIMEOUT ${fault_timeout_s} COST 100
            ENVIRONMENT "MLPD_BIN=$<TARGET_FILE:mlpd>;MLPD_FAULT_LIBRARY=$<TARGET_FILE:fault>;MLPD_FREEZE_LIBRARY=$<TARGET_FILE:freeze>;MLPD_FAULT_STRIDE=${fault_stride};MLPD_TEST_PATIENCE=${patience};${long_env};${sanitizer_env}")
    endforeach()
endif()

# The page in Debian's Chromium, once: the sanitizers have the API's tests.
file(GLOB browser_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/browser/*.test.mjs)
find_program(CHROMIUM chromium)
if(TARGET mlpd AND NODE AND NOT MLPD_SANITIZE)
    foreach(source ${browser_tests})
        get_filename_component(name ${source} NAME_WE)
        if(CHROMIUM AND EXISTS ${PROJECT_SOURCE_DIR}/node_modules/playwright-core)
            add_test(NAME browser/${name}
                COMMAND ${PROJECT_SOURCE_DIR}/cmake/node-test.sh ${NODE} ${source} ${tap_dir}/browser_${name}.tap)
            set_tests_properties(browser/${name} PROPERTIES TIMEOUT 300 COST 50
                ENVIRONMENT "MLPD_BIN=$<TARGET_FILE:mlpd>;CHROMIUM=${CHROMIUM};MLPD_SCREENSHOTS=${PROJECT_BINARY_DIR}/screenshots")
        else()
            add_test(NAME browser/${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: chromium or playwright-core is not installed")
            set_tests_properties(browser/${name} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
        endif()
    endforeach()
endif()

add_test(NAME docs COMMAND ${PROJECT_SOURCE_DIR}/cmake/docs-test.sh ${PROJECT_SOURCE_DIR})
if(NODE)
    add_test(NAME openapi/docs COMMAND ${NODE} ${PROJECT_SOURCE_DIR}/scripts/api-md.mjs)
endif()

# The benchmark's table and where it goes, with made-up figures.
find_program(PYTHON3 python3)
if(PYTHON3)
    add_test(NAME bench/report COMMAND ${PYTHON3} -B ${PROJECT_SOURCE_DIR}/tests/bench/test_report.py)
else()
    add_test(NAME bench/report COMMAND ${CMAKE_COMMAND} -E echo "skipped: python3 is not installed")
    set_tests_properties(bench/report PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
endif()

add_test(NAME architecture COMMAND ${check_architecture})
add_test(NAME architecture/faults
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/architecture-test.sh ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})

# What a configuration says of missing packages, and which commit a build names.
add_test(NAME docs/packages COMMAND ${PROJECT_SOURCE_DIR}/cmake/packages-test.sh ${CMAKE_COMMAND} ${PROJECT_SOURCE_DIR})
add_test(NAME docs/commit COMMAND ${PROJECT_SOURCE_DIR}/cmake/commit-test.sh ${CMAKE_COMMAND} ${PROJECT_SOURCE_DIR})

add_test(NAME docs/check COMMAND ${PROJECT_SOURCE_DIR}/cmake/check-test.sh ${PROJECT_SOURCE_DIR})

# The unit as installed. systemd-analyze returns 0 on unknown keys, so any output is a failure.
find_program(SYSTEMD_ANALYZE systemd-analyze)
if(TARGET mlpd)
    if(SYSTEMD_ANALYZE)
        add_test(NAME service COMMAND ${PROJECT_SOURCE_DIR}/cmake/service-test.sh ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} ${SYSTEMD_ANALYZE})
    else()
        add_test(NAME service COMMAND ${CMAKE_COMMAND} -E echo "skipped: systemd-analyze is not installed")
        set_tests_properties(service PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
    endif()
endif()

# libFuzzer programs (preset fuzz, by clang): tests/fuzz/fuzz_*.c, by hand: build/fuzz/tests/fuzz_csv CORPUS. `seeds` writes first inputs.
option(MLPD_FUZZ "Build the fuzzers; needs clang" OFF)
file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
if(MLPD_FUZZ)
    target_compile_options(mlp PRIVATE -fsanitize=fuzzer-no-link)
    target_compile_options(mlpd_server PRIVATE -fsanitize=fuzzer-no-link)
    # Clang takes minutes for the kernels' unrolled loops with every check; the address sanitizer's tests have them all.
    foreach(set generic avx2 avx512)
        set_property(SOURCE ${PROJECT_SOURCE_DIR}/engine/kernels_${set}.c APPEND PROPERTY COMPILE_OPTIONS
            -fno-sanitize=undefined,float-cast-overflow -O1)
    endforeach()
    set(fuzz_wraps malloc calloc realloc aligned_alloc strdup strndup pthread_create mmap pwrite pread ftruncate fsync)
    list(TRANSFORM fuzz_wraps PREPEND "LINKER:--wrap=")
    add_library(fuzz_helpers OBJECT tests/fuzz/fuzz.c tests/fuzz/encode.c tests/fuzz/faults.c tests/fuzz/mend.c)
    target_include_directories(fuzz_helpers PUBLIC ${PROJECT_SOURCE_DIR}/engine)
    target_link_libraries(fuzz_helpers PUBLIC mlpd_server mlp mlpd_flags)
    foreach(source ${fuzzers})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer ${fuzz_wraps})
        target_link_libraries(${name} PRIVATE fuzz_helpers)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        list(APPEND fuzz_targets ${name})
    endforeach()
    target_link_options(fuzz_query PRIVATE LINKER:--wrap=request_query)
    add_executable(seeds tests/fuzz/seeds.c)
    target_link_options(seeds PRIVATE ${fuzz_wraps})
    target_link_libraries(seeds PRIVATE fuzz_helpers)
    set_target_properties(seeds PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_custom_target(fuzzers DEPENDS ${fuzz_targets})
elseif(TARGET mlpd_server AND NOT MLPD_SANITIZE)
    # Compiled only: what they call must not change behind them.
    add_library(fuzz_objects OBJECT ${fuzzers} tests/fuzz/fuzz.c tests/fuzz/encode.c tests/fuzz/faults.c tests/fuzz/mend.c tests/fuzz/seeds.c)
    target_include_directories(fuzz_objects PRIVATE ${PROJECT_SOURCE_DIR}/engine)
    target_link_libraries(fuzz_objects PRIVATE mlpd_server mlp mlpd_flags)
elseif(MLPD_SANITIZE MATCHES "address")
    # Some seconds of each beside the address sanitizer's tests, from the corpus that is kept: a minute with MLPD_LONG.
    set(fuzz_script ${PROJECT_SOURCE_DIR}/cmake/fuzz-test.sh)
    add_test(NAME fuzz/build COMMAND ${fuzz_script} build ${CMAKE_COMMAND} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/fuzz)
    set_tests_properties(fuzz/build PROPERTIES TIMEOUT 1800 COST 300 SKIP_RETURN_CODE 77 FIXTURES_SETUP fuzzers)
    foreach(source ${fuzzers})
        get_filename_component(name ${source} NAME_WE)
        add_test(NAME fuzz/${name} COMMAND ${fuzz_script} run ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/fuzz ${name} ${fuzz_seconds})
        set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED fuzzers)
    endforeach()
endif()
