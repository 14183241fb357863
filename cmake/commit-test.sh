#!/bin/sh
# Which commit a build names: git's, with a mark where files changed; an archive's; "unknown" without either. The file is rewritten only
# where the commit changed.
# usage: commit-test.sh CMAKE SOURCE_FOLDER
set -u
cmake=$1 script=$2/cmake/commit.cmake
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
source=$work/source
output=$work/commit.c
mkdir -p "$source/cmake"
failed=0

# usage: expect COMMIT WHAT
expect() {
    "$cmake" -DSOURCE="$source" -DOUTPUT="$output" -P "$script" || exit 1
    grep -qF "\"$1\"" "$output" || {
        echo "$2: expected $1, got:"
        cat "$output"
        failed=1
    }
}

expect unknown 'without git'
echo '$Format:%h$' >"$source/cmake/commit-of-archive"
expect unknown 'an archive that git did not make'
echo 0123456789ab >"$source/cmake/commit-of-archive"
expect 0123456789ab 'an archive that git made'
if command -v git >/dev/null; then
    git -C "$source" init -q
    git -C "$source" add -A
    git -C "$source" -c user.name=test -c user.email=test@localhost commit -qm test
    commit=$(git -C "$source" rev-parse --short=12 HEAD)
    expect "$commit" 'a commit'
    touch -d '2001-01-01' "$output"
    expect "$commit" 'the same commit again'
    [ "$(date -r "$output" +%Y)" = 2001 ] || { echo 'the same commit again: the file was rewritten'; failed=1; }
    echo changed >"$source/cmake/commit-of-archive"
    expect "$commit-dirty" 'a changed file'
fi
exit $failed
