#!/usr/bin/env bash
# Trained bits with another compiler or optimisation level: builds the engine alone with it, then runs the tests that hold the bits.
# usage: scripts/bits.sh COMPILER LEVEL      for example: clang -O3. Exit status 77: skipped, the last line says why.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -ne 2 ]; then
    sed -n '2,3s/^# //p' "$0"
    exit 2
fi
compiler=$1 level=$2
if ! command -v "$compiler" >/dev/null; then
    echo "skipped: $compiler is not installed"
    exit 77
fi

build=build/bits/$compiler$level
unset CI # the warnings of other compilers are not what is tested here
cmake -B "$build" -DMLPD_ENGINE_ONLY=ON -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS_RELWITHDEBINFO="$level -g" \
    -DMLPD_KERNEL_LEVEL="$level"
cmake --build "$build" --parallel "$(nproc)" --target test_bits test_elementary test_kernels test_train
for test in bits elementary kernels train; do
    "$build/tests/test_$test"
done
