#!/usr/bin/env bash
# The source's shape in figures: files a room, long lines and files, functions with many parameters or lines, README's bytes. Needs ctags.
# usage: scripts/shape.sh [--list]      --list: names the functions too
set -euo pipefail
cd "$(dirname "$0")/.."
command -v ctags >/dev/null || {
    echo 'ctags is missing: apt-get install --no-install-recommends universal-ctags' >&2
    exit 1
}
sources=$(git ls-files 'engine/*.[ch]' 'server/*.[ch]' 'include/*.h')

echo 'files a room'
printf '%s\n' "$sources" | sed 's|/[^/]*$||' | sort | uniq -c | sort -rn
# shellcheck disable=SC2086  # names of our own files, without blanks
awk -v over=110 'length($0) > over { n++ } END { print "lines over " over " columns: " n + 0 }' $sources
# shellcheck disable=SC2086
wc -l $sources | awk '$2 != "total" && $1 > 500 { n++ } END { print "files over 500 lines: " n + 0 }'
# shellcheck disable=SC2086
ctags -x --kinds-C=f --_xformat='%{signature}	%{line}	%{end}	%{input}	%{name}' $sources | awk -F '\t' -v list="${1-}" '
{
    depth = 0; n = 0
    for (i = 1; i <= length($1); i++) {
        c = substr($1, i, 1)
        if (c == "(") depth++
        else if (c == ")") depth--
        else if (c == "," && depth == 1) n++
    }
    n_functions++; lines = $3 - $2 + 1
    if (n + 1 > 5) { many++; if (list) print "  " n + 1 " parameters: " $4 ": " $5 }
    if (lines > 70) { long++; if (list) print "  " lines " lines: " $4 ": " $5 }
}
END { print "functions: " n_functions; print "with more than 5 parameters: " many + 0; print "over 70 lines: " long + 0 }'
echo "README.md: $(wc -c <README.md) bytes"
