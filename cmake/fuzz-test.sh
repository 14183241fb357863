#!/bin/sh
# The fuzzers of tests/fuzz, built by clang whatever builds the rest, in a folder of their own.
# usage: fuzz-test.sh build CMAKE SOURCE_FOLDER BUILD_FOLDER         all of them
#        fuzz-test.sh run SOURCE_FOLDER BUILD_FOLDER NAME SECONDS    one, from the corpus that is kept
# A fault is exit status 1: libFuzzer's own, 77, is how a test says that it was skipped.
# What is found stays in BUILD_FOLDER/found, new inputs in BUILD_FOLDER/corpus-NAME.
set -u
skip() {
    echo "skipped: $1"
    exit 77
}

clang_check() {
    mkdir -p "$build/found" || exit 1
    command -v clang >/dev/null || skip "clang is not installed"
    printf '#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *p, size_t n);\nint LLVMFuzzerTestOneInput(const char *p, size_t n) { return p && n ? 0 : 0; }\n' >"$build/probe.c"
    clang -fsanitize=fuzzer,address,undefined -o "$build/probe" "$build/probe.c" 2>/dev/null || skip "clang has no libFuzzer here"
}

case $1 in
build)
    cmake=$2 source=$3 build=$4
    clang_check
    "$cmake" -S "$source" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_C_FLAGS_DEBUG=-O1 -g' \
        -DMLPD_SANITIZE=address,undefined -DMLPD_FUZZ=ON >"$build/configure.log" 2>&1 || { cat "$build/configure.log" && exit 1; }
    "$cmake" --build "$build" --target fuzzers --parallel "$(nproc)" >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log" && exit 1; }
    ;;
run)
    source=$2 build=$3 name=$4 seconds=$5
    clang_check
    # New inputs go into a folder of the build; the kept corpus is only read.
    mkdir -p "$build/corpus-$name" || exit 1
    "$build/tests/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1500 -max_len=8192 -print_final_stats=1 -error_exitcode=1 -verbosity=0 \
        -artifact_prefix="$build/found/$name-" "$build/corpus-$name" "$source/tests/fuzz/corpus/$name"
    ;;
esac
