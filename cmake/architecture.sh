#!/bin/sh
# Which file may know which (docs/architecture.md; the table is cmake/rooms): fails, naming file and line, where a file includes or calls
# what its room must not use.
# usage: architecture.sh SOURCE_FOLDER OBJECT_LIST      OBJECT_LIST: a file with the path of one object file a line
set -u
cd "$1" || exit 1
objects=$2
broken=$(mktemp) && symbols=$(mktemp) || exit 1
trap 'rm -f "$broken" "$symbols"' EXIT

# Includes: libc and the libraries by name; mlp/HEADER and ROOM/FILE by the table.
libc='assert complex ctype cpuid dirent elf endian errno fcntl fenv float immintrin inttypes limits link linux/futex locale math poll pthread sched setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings time unistd x86intrin xmmintrin pmmintrin emmintrin arm_neon sys/auxv sys/file sys/mman sys/random sys/resource sys/stat sys/syscall sys/time sys/types sys/uio'
only='microhttpd.h=server/http cjson/cJSON.h=server/json sqlite3.h=server/store'
# shellcheck disable=SC2046  # names of our own files, without blanks
awk -v libc="$libc" -v only="$only" '
function fail(what) { printf "%s:%d: %s   <- %s\n", FILENAME, FNR, $0, what }
function may(from, to) { return from == to || (from, to) in allowed }
BEGIN {
    split(libc, a, " "); for (i in a) known[a[i] ".h"] = 1
    split(only, a, " "); for (i in a) { split(a[i], b, "="); owner[b[1]] = b[2] }
}
FILENAME == "cmake/rooms" {
    if ($0 ~ /^#/) next
    split($0, part, "|"); gsub(/ /, "", part[1]); room = part[1]; tree = room; sub(/\/.*/, "", tree)
    if (room in order) fail("a room stands here twice")
    order[room] = ++n_rooms; uses[room] = part[2]; trees[room] = tree
    n = split(part[3], a, " "); for (i = 1; i <= n; i++) header[a[i]] = room
    next
}
FILENAME != "cmake/rooms" && !tables {
    tables = 1
    for (room in uses) {
        n = split(uses[room], a, " ")
        for (i = 1; i <= n; i++) {
            to = trees[room] "/" a[i]
            if (!(to in order) || order[to] <= order[room]) printf "cmake/rooms: %s may not use %s: it does not stand below it\n", room, to
            allowed[room, to] = 1
        }
    }
}
FNR == 1 {
    n = split(FILENAME, a, "/"); room = a[1] "/" a[2]; tree = a[1]
    if (tree == "include") { file = a[n]; sub(/\.h$/, "", file); room = header[file]; if (room == "") fail("no room of cmake/rooms has this header") }
    else if (!(room in order)) fail("no room of cmake/rooms")
}
/^[ \t]*#[ \t]*include/ {
    name = $0; sub(/^[^<"]*[<"]/, "", name); sub(/[>"].*/, "", name)
    if ($0 ~ /</) {
        if (name in owner && room != owner[name]) fail("only " owner[name] " knows this library")
        if (tree != "server" && !(name in known)) fail("the engine knows libc only")
        next
    }
    if (name ~ /^mlp\//) {
        file = name; sub(/^mlp\//, "", file); sub(/\.h$/, "", file); to = header[file]
        if (to == "") fail("no room of cmake/rooms has this header")
        else if (tree != "server" && !may(room, to)) fail(room " may not use " to)
        next
    }
    to = tree "/" name; sub(/\/[^\/]*$/, "", to)
    if (tree == "include" || !(to in order)) fail("expected \"mlp/HEADER.h\" or \"ROOM/FILE.h\"")
    else if (!may(room, to)) fail(room " may not use " to)
}' cmake/rooms $(find engine server include -name '*.[ch]' | LC_ALL=C sort) >>"$broken"

# Calls: what an object file of one room takes from another. (rooms, then the symbols as nm prints them, a file name before each line)
while IFS= read -r object; do
    case $object in *.o) nm -A "$object" 2>/dev/null ;; esac
done <"$objects" | awk '{ file = $1; sub(/:[0-9a-f]*$/, "", file); sub(/.*\/(engine|server)\//, "&\n", file) } 1' >"$symbols"
awk '
FILENAME == "cmake/rooms" {
    if ($0 ~ /^#/) next
    split($0, part, "|"); gsub(/ /, "", part[1]); tree = part[1]; sub(/\/.*/, "", tree)
    n = split(part[2], a, " "); for (i = 1; i <= n; i++) allowed[part[1], tree "/" a[i]] = 1
    next
}
{
    split($0, p, ":"); file = p[1]; n = split(file, a, "/"); room = a[n - 2] "/" a[n - 1]
    if (!match(file, /(engine|server)\/[a-z]+\/[a-z0-9_]+\.c\.o$/)) next
    room = substr(file, RSTART); sub(/\/[^\/]*$/, "", room)
    symbol = $NF; kind = $(NF - 1)
    if (kind ~ /^[TRDBV]$/) defined[symbol] = room
    else if (kind == "U") { n_used++; user[n_used] = room; used[n_used] = symbol; by[n_used] = substr(file, RSTART) }
}
END {
    for (i = 1; i <= n_used; i++) {
        to = defined[used[i]]
        if (user[i] ~ /^engine/ && used[i] ~ /^(_?exit|_Exit|quick_exit|printf|__printf_chk|puts|putchar|perror|syslog|vprintf|__vprintf_chk|stderr|stdout|cJSON_.*|MHD_.*|sqlite3_.*)$/)
            printf "%s: %s   <- the engine must not print, exit, or know HTTP, JSON or SQL\n", by[i], used[i]
        if (to == "" || to == user[i]) continue
        split(user[i], a, "/"); split(to, b, "/")
        if (a[1] == "server" && b[1] == "engine") continue
        if (a[1] != b[1] || !((user[i], to) in allowed)) printf "%s: %s   <- %s may not use %s\n", by[i], used[i], user[i], to
    }
}' cmake/rooms "$symbols" >>"$broken"

if [ -s "$broken" ]; then
    echo 'architecture: a file knows what it must not know (the table is cmake/rooms)' >&2
    cat "$broken" >&2
    exit 1
fi
