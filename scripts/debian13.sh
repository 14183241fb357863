#!/usr/bin/env bash
# Trained bits on Debian 13 (gcc 14, glibc 2.41): its base system and compiler go into build/debian13, scripts/bits.sh runs there by chroot.
# About 600 MB and a download the first time; nothing is mounted.
# usage: scripts/debian13.sh      Exit status 77: skipped, the last line says why.
set -euo pipefail
cd "$(dirname "$0")/.."
root=build/debian13/root

skip() {
    echo "skipped: $*"
    exit 77
}

# The archive that this machine installs from.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(SUITE)' 'Created-By: Packages' | awk '$2 !~ /security/ { print $1; exit }'
}

# Whole or not at all: an interrupted one is made again.
root_make() {
    local from
    from=$(mirror) && [ -n "$from" ] || skip 'no Debian archive is configured here'
    rm -rf $root.part
    mkdir -p build/debian13
    debootstrap --variant=minbase --include=gcc,libc6-dev,make,cmake,pkg-config,check trixie "$PWD/$root.part" "$from" ||
        skip "debootstrap failed: $(tail -n 1 $root.part/debootstrap/debootstrap.log 2>/dev/null)"
    mv $root.part $root
}

[ "$(id -u)" = 0 ] || skip 'chroot needs root'
chroot / true 2>/dev/null || skip 'this process may not chroot'
command -v debootstrap >/dev/null || skip 'debootstrap is not installed'
[ -d $root ] || root_make

# The working tree, without what a removed file would leave behind; what was built stays.
find $root/src -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + 2>/dev/null || true
mkdir -p $root/src
git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - | tar -x -C $root/src
for level in -O2 -O3; do
    chroot $root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /src/scripts/bits.sh gcc $level
done
