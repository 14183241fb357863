#!/usr/bin/env bash
# The engine's unit tests for aarch64, built by a cross compiler and run by qemu-user. Check's library for it comes from Debian's archive into
# build/aarch64/check, beside the system: nothing is installed.
# usage: scripts/aarch64.sh [CTEST_OPTION...]      Exit status 77: skipped, the last line says why.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/aarch64
check=$PWD/$build/check

skip() {
    echo "skipped: $*"
    exit 77
}

command -v aarch64-linux-gnu-gcc >/dev/null || skip 'gcc-aarch64-linux-gnu is not installed'
command -v qemu-aarch64 >/dev/null || skip 'qemu-user is not installed'

# Whole or not at all. An apt of its own knows the other architecture.
check_make() {
    local apt=$PWD/$build/apt packages=(check libsubunit-dev)
    local options=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State::Lists="$apt/lists"
        -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache" -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
    rm -rf "$apt" "$check.part"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$check.part" && : >"$apt/status"
    apt-get "${options[@]}" update
    (cd "$apt" && apt-get "${options[@]}" download "${packages[@]}") || return
    for package in "$apt"/*.deb; do
        dpkg-deb -x "$package" "$check.part"
    done
    mv "$check.part" "$check"
}
[ -d "$check" ] || check_make || skip 'Check for arm64 could not be fetched from the archive'

# The packages' own paths are made those of the folder.
export PKG_CONFIG_LIBDIR=$check/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$check PKG_CONFIG_PATH=
cmake -B $build -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMLPD_ENGINE_ONLY=ON -DMLPD_PATIENCE=20
cmake --build $build --parallel "$(nproc)"
ctest --test-dir $build -R '^unit/' --parallel "$(nproc)" --output-on-failure "$@"
