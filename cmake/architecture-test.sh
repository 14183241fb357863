#!/bin/sh
# cmake/architecture.sh accepts a small tree that keeps to its table, and names each kind of fault in one that does not.
# usage: architecture-test.sh SOURCE_FOLDER C_COMPILER
set -u
check=$1/cmake/architecture.sh cc=$2
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
failed=0

# Two rooms in each half; engine/top and server/top stand above the base.
tree_make() {
    rm -rf engine server include cmake
    mkdir -p engine/top engine/base server/top server/base include/mlp cmake
    printf '%s\n' 'engine/top | base | high' 'engine/base | | low' 'server/top | base |' 'server/base | |' >cmake/rooms
    echo 'int low(void);' >include/mlp/low.h
    printf '%s\n' '#include "mlp/low.h"' 'int high(void);' >include/mlp/high.h
    printf '%s\n' '#include <stdlib.h>' '#include "mlp/low.h"' 'int low(void) { return abs(-1); }' >engine/base/low.c
    printf '%s\n' '#include "mlp/high.h"' 'int high(void) { return low(); }' >engine/top/high.c
    echo 'int base(void);' >server/base/base.h
    printf '%s\n' '#include "base/base.h"' 'int base(void) { return 1; }' >server/base/base.c
    printf '%s\n' '#include "base/base.h"' '#include "mlp/high.h"' 'int top(void);' 'int top(void) { return base() + high(); }' >server/top/top.c
}

# Checks the tree as it stands, its objects laid out as CMake lays them out.
tree_check() {
    rm -rf objects && mkdir objects && : >list
    for source in $(find engine server -name '*.c' | sort); do
        mkdir -p "objects/$(dirname "$source")"
        "$cc" -w -fPIC -Iinclude -I"${source%%/*}" -c "$source" -o "objects/$source.o" || exit 1
        echo "$tree/objects/$source.o" >>list
    done
    "$check" "$tree" "$tree/list" >said 2>&1
}

# usage: refuses WHAT PART_OF_THE_COMPLAINT...     the tree was made faulty; puts it right again
refuses() {
    what=$1
    shift
    if tree_check; then
        echo "not refused: $what"
        failed=1
    fi
    for part in "$@"; do
        grep -qF -- "$part" said || {
            echo "$what: no word of \"$part\" in:"
            cat said
            failed=1
        }
    done
    tree_make
}

tree_make
tree_check || {
    echo 'a tree without a fault is refused:'
    cat said
    failed=1
}

echo '#include "mlp/high.h"' >>engine/base/low.c
refuses 'an include upward in the engine' 'engine/base/low.c:4: #include "mlp/high.h"' 'engine/base may not use engine/top'
echo 'int upward;' >server/top/top.h && echo '  #  include "top/top.h"' >>server/base/base.c
refuses 'an include upward in the server' 'server/base/base.c:3:' 'server/base may not use server/top'
echo '#include <zlib.h>' >>engine/base/low.c
refuses 'a library in the engine' 'engine/base/low.c:4:' 'the engine knows libc only'
mkdir -p include/cjson && : >include/cjson/cJSON.h && echo '#include <cjson/cJSON.h>' >>server/top/top.c
refuses 'a library in another room than its own' 'server/top/top.c:5:' 'only server/json knows this library'
echo 'int a;' >include/mlp/odd.h
refuses 'a header without a room' 'include/mlp/odd.h' 'no room of cmake/rooms has this header'
mkdir engine/odd && echo 'int a;' >engine/odd/odd.c
refuses 'a folder without a row' 'engine/odd/odd.c' 'no room of cmake/rooms'
echo 'int high(void); int up(void) { return high(); }' >>engine/base/low.c
refuses 'a call upward without an include' 'engine/base/low.c.o: high' 'engine/base may not use engine/top'
echo 'int top(void); int up(void) { return top(); }' >>engine/top/high.c
refuses 'a call from the engine to the server' 'engine/top/high.c.o: top'
echo 'int puts(const char *); int say(void) { return puts("a"); }' >>engine/top/high.c
refuses 'an engine that prints' 'engine/top/high.c.o: puts' 'the engine must not print'
echo 'double tanh(double); double bend(double x) { return tanh(x); }' >>engine/top/high.c
refuses 'arithmetic whose bits differ' 'engine/top/high.c.o: tanh' 'engine/base/elementary.h'
printf '%s\n' 'engine/base | top | low' 'engine/top | base | high' 'server/top | base |' 'server/base | |' >cmake/rooms
refuses 'a circle in the table' 'engine/top may not use engine/base: it does not stand below it'
echo 'server/base | |' >>cmake/rooms
refuses 'a row that stands there twice' 'cmake/rooms:5'
exit $failed
