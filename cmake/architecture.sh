#!/bin/sh
# Who may know whom (README, "Design"): fails, naming file and line, where a file includes or calls what it must not know.
# usage: architecture.sh SOURCE_FOLDER [LIBMLP.A]
set -u
cd "$1" || exit 1
broken=$(mktemp) || exit 1
trap 'rm -f "$broken"' EXIT

# allow WHAT_FOR ALLOWED_INCLUDES FILES...: each #include line in FILES must match the extended regular expression.
allow() {
    what=$1 allowed=$2
    shift 2
    grep -nE '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null | grep -vE "#[[:space:]]*include[[:space:]]+($allowed)" |
        sed "s|\$|   <- $what|" >>"$broken"
}
# only ROOM PATTERN: nothing under server/ but server/ROOM*.[ch] may include PATTERN.
only() {
    grep -nE "#[[:space:]]*include[[:space:]]*[<\"]$2" server/*.[ch] 2>/dev/null | grep -v "^server/$1" |
        sed "s|\$|   <- only server/$1*.c knows this library|" >>"$broken"
}

libc='<(arm_neon|assert|complex|ctype|cpuid|dirent|elf|endian|errno|fcntl|fenv|float|immintrin|inttypes|limits|link|linux/futex|locale|math|poll|pthread|sched|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd|x86intrin|xmmintrin|pmmintrin|emmintrin|sys/(auxv|file|mman|random|resource|stat|syscall|time|types|uio))\.h>'
engine=$(cd engine 2>/dev/null && ls -- *.h *_body.c 2>/dev/null | sed 's/\./\\./g' | tr '\n' '|')
allow 'engine/ knows include/mlp, itself and libc' "$libc|\"mlp/[a-z_]+\.h\"|\"(${engine}none)\"" engine/*.[ch]
allow 'include/mlp knows itself and libc' "$libc|\"mlp/[a-z_]+\.h\"" include/mlp/*.h
server=$(cd server 2>/dev/null && ls -- *.h 2>/dev/null | sed 's/\./\\./g' | tr '\n' '|')
allow "server/ knows include/mlp and itself, not the engine's own headers" "<[a-zA-Z0-9_/.-]+\.h>|\"mlp/[a-z_]+\.h\"|\"(${server}none)\"" server/*.[ch]
only http 'microhttpd'
only json 'cjson/|cJSON'
only store 'sqlite3'

if [ $# -gt 1 ]; then
    undefined=$(nm -u "$2" 2>/dev/null | awk '{ print $NF }' | sort -u)
    printf '%s\n' "$undefined" |
        grep -E '^(_?exit|_Exit|quick_exit|printf|__printf_chk|puts|putchar|perror|syslog|vprintf|__vprintf_chk|stderr|stdout|cJSON_.*|MHD_.*|sqlite3_.*)$' |
        sed 's|$|   <- engine/ must not call or use this: no printing, no exit(), no HTTP, JSON or SQL|' >>"$broken"
    printf '%s\n' "$undefined" |
        grep -E '^(__)?(a?(sin|cos|tan)h?|sincos|atan2|exp(2|10|m1)?|log(2|10|1p|b)?|pow|cbrt|hypot|erfc?|[lt]gamma)[fl]?(_finite)?$' |
        sed 's|$|   <- its bits depend on the C library and the processor: engine/elementary.h has what gives the same everywhere|' >>"$broken"
fi

if [ -s "$broken" ]; then
    echo 'architecture: a file knows what it must not know' >&2
    cat "$broken" >&2
    exit 1
fi
