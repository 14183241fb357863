#!/bin/sh
# Build one fuzzer by clang and run it for a while from the corpus that is kept; what it finds stays in BUILD_FOLDER/found.
# usage: fuzz-test.sh CMAKE SOURCE_FOLDER BUILD_FOLDER NAME SECONDS
set -u
cmake=$1 source=$2 build=$3 name=$4 seconds=$5
skip() {
    echo "skipped: $1"
    exit 77
}
mkdir -p "$build/found" "$build/corpus-$name" || exit 1
command -v clang >/dev/null || skip "clang is not installed"
printf '#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *p, size_t n);\nint LLVMFuzzerTestOneInput(const char *p, size_t n) { return p && n ? 0 : 0; }\n' >"$build/probe.c"
clang -fsanitize=fuzzer,address,undefined -o "$build/probe" "$build/probe.c" 2>/dev/null || skip "clang has no libFuzzer here"

"$cmake" -S "$source" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_C_FLAGS_DEBUG=-O1 -g' \
    -DMLPD_SANITIZE=address,undefined -DMLPD_FUZZ=ON >"$build/configure.log" 2>&1 || { cat "$build/configure.log" && exit 1; }
"$cmake" --build "$build" --target "$name" >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log" && exit 1; }

# New finds go into a folder of the build; the kept corpus is only read.
"$build/tests/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1500 -max_len=4096 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/found/" "$build/corpus-$name" "$source/tests/fuzz/corpus/$name"
