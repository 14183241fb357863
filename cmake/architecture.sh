#!/bin/sh
# Which file may know which (docs/architecture.md; the table is cmake/rooms): fails, naming file and line, where a file includes or calls
# what its room must not use.
# usage: architecture.sh SOURCE_FOLDER OBJECT_LIST      OBJECT_LIST: a file with the path of one object file a line
set -u
cd "$1" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Four inputs, each read once: the table, the files, their includes (FILE:LINE:TEXT), the symbols (FILE: ADDRESS KIND NAME).
find engine server include -name '*.[ch]' | LC_ALL=C sort >"$work/files"
xargs grep -nE '^[[:blank:]]*#[[:blank:]]*include' /dev/null <"$work/files" >"$work/includes"
grep '\.o$' "$2" | tr '\n' '\0' | xargs -0 -r nm -A >"$work/symbols" 2>/dev/null

# libc's headers, and those of the libraries with the room that may know each.
libc='assert complex ctype cpuid dirent elf endian errno fcntl fenv float immintrin inttypes limits link linux/futex locale math poll pthread sched setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings time unistd x86intrin xmmintrin pmmintrin emmintrin arm_neon sys/auxv sys/file sys/mman sys/random sys/resource sys/stat sys/syscall sys/time sys/types sys/uio'
only='microhttpd.h=server/http cjson/cJSON.h=server/json sqlite3.h=server/store'
inexact='exp exp2 expm1 log log2 log10 log1p pow sin cos sincos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt erf erfc lgamma tgamma hypot'
awk -v libc="$libc" -v only="$only" -v functions="$inexact" '
function may(from, to) { return from == to || (from, to) in allowed }
function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
function stem(path) { sub(/.*\//, "", path); sub(/\.h$/, "", path); return path }
function fail(where, text, what) { printf "%s: %s   <- %s\n", where, text, what }

# A room must stand above the rooms that it names: then there is no circle.
function table_check(room, a, i, n, to) {
    for (room in uses) {
        n = split(uses[room], a, " ")
        for (i = 1; i <= n; i++) {
            to = trees[room] "/" a[i]
            if (!(to in order) || order[to] <= order[room]) printf "cmake/rooms: %s may not use %s: it does not stand below it\n", room, to
            allowed[room, to] = 1
        }
    }
}

BEGIN {
    split(libc, a, " "); for (i in a) known[a[i] ".h"] = 1
    split(only, a, " "); for (i in a) { split(a[i], b, "="); owner[b[1]] = b[2] }
    split(functions, a, " "); for (i in a) inexact[a[i]] = inexact[a[i] "f"] = 1
}
input == "files" && FNR == 1 { table_check() }

input == "rooms" && !/^#/ {
    split($0, part, "|"); room = part[1]; gsub(/ /, "", room)
    if (room in order) fail("cmake/rooms:" FNR, $0, "a room stands here twice")
    order[room] = ++n_rooms; uses[room] = part[2]; trees[room] = room; sub(/\/.*/, "", trees[room])
    n = split(part[3], a, " "); for (i = 1; i <= n; i++) header[a[i]] = room
}

# The room of each file: its folder, or whose row names the header.
input == "files" {
    if ($0 ~ /^include\//) {
        room_of[$0] = header[stem($0)]
        if (room_of[$0] == "") fail($0, "", "no room of cmake/rooms has this header")
    } else {
        split($0, a, "/"); room_of[$0] = a[1] "/" a[2]
        if (!(room_of[$0] in order)) fail($0, "", "no room of cmake/rooms")
    }
}

input == "includes" {
    file = $0; sub(/:.*/, "", file)
    line = substr($0, length(file) + 2); sub(/:.*/, "", line); where = file ":" line
    text = substr($0, length(where) + 2)
    room = room_of[file]; tree = file; sub(/\/.*/, "", tree)
    name = text; sub(/^[^<"]*[<"]/, "", name); sub(/[>"].*/, "", name)
    if (text ~ /</) {
        if (name in owner && room != owner[name]) fail(where, text, "only " owner[name] " knows this library")
        if (tree != "server" && !(name in known)) fail(where, text, "the engine knows libc only")
    } else if (name ~ /^mlp\//) {
        to = header[stem(name)]
        if (to == "") fail(where, text, "no room of cmake/rooms has this header")
        else if (tree != "server" && !may(room, to)) fail(where, text, room " may not use " to)
    } else {
        to = folder(tree "/" name)
        if (tree == "include" || !(to in order)) fail(where, text, "expected \"mlp/HEADER.h\" or \"ROOM/FILE.h\"")
        else if (!may(room, to)) fail(where, text, room " may not use " to)
    }
}

# What an object file of one room takes from another: TREE/ROOM/FILE.c.o at the end of its path says which.
input == "symbols" {
    path = $1; sub(/:[0-9a-f]*$/, "", path)
    if (path != last) {
        last = path; n = split(path, a, "/"); room = ""
        if (n >= 3 && a[n - 2] ~ /^(engine|server)$/ && a[n] ~ /\.c\.o$/) { room = a[n - 2] "/" a[n - 1]; object = room "/" a[n] }
    }
    if (room == "") next
    kind = $(NF - 1)
    if (kind ~ /^[TRDBV]$/) defined[$NF] = room
    else if (kind == "U") { n_used++; user[n_used] = room; used[n_used] = $NF; by[n_used] = object }
}
END {
    for (i = 1; i <= n_used; i++) {
        if (user[i] ~ /^engine/ && used[i] ~ /^(_?exit|_Exit|quick_exit|printf|__printf_chk|puts|putchar|perror|syslog|vprintf|__vprintf_chk|stderr|stdout|cJSON_.*|MHD_.*|sqlite3_.*)$/)
            fail(by[i], used[i], "the engine must not print, exit, or know HTTP, JSON or SQL")
        if (user[i] ~ /^engine/ && used[i] in inexact)
            fail(by[i], used[i], "its bits differ among C libraries: engine/base/elementary.h has them")
        to = defined[used[i]]
        if (to == "" || may(user[i], to) || (user[i] ~ /^server/ && to ~ /^engine/)) continue
        fail(by[i], used[i], user[i] " may not use " to)
    }
}' input=rooms cmake/rooms input=files "$work/files" input=includes "$work/includes" input=symbols "$work/symbols" >"$work/broken"
[ -s "$work/broken" ] || exit 0
echo 'architecture: a file knows what it must not know (the table is cmake/rooms)' >&2
cat "$work/broken" >&2
exit 1
