#!/bin/sh
# What the documents name is there: each relative link, and each path in backquotes that begins with a folder of the source. What is vendored
# has the checksums that NOTICE notes.
# usage: docs-test.sh SOURCE_FOLDER
set -u
cd "$1" || exit 1
missing=$(mktemp) || exit 1
trap 'rm -f "$missing"' EXIT

for page in ./*.md docs/*.md tests/*.md; do
    folder=$(dirname "$page")
    grep -oE '\]\([^)#]+' "$page" | cut -c 3- | grep -vE '^[a-z]+:' | while read -r link; do
        [ -e "$folder/$link" ] || echo "$page: link to $link"
    done
    # A * ends a path: its beginning is looked for.
    grep -oE '`(cmake|docs|engine|include|scripts|server|static|systemd|tests)/[A-Za-z0-9_./-]+' "$page" | cut -c 2- | while read -r path; do
        ls -d "$path"* >/dev/null 2>&1 || echo "$page: $path"
    done
done >"$missing"

sums=$(grep -E '^[0-9a-f]{64}  static/vendor/' NOTICE)
printf '%s\n' "$sums" | sha256sum --check --strict --quiet >>"$missing" 2>&1
find static/vendor -type f | while read -r file; do
    printf '%s\n' "$sums" | grep -qxE "[0-9a-f]{64}  $file" || echo "NOTICE: no checksum of $file"
done >>"$missing"

if [ -s "$missing" ]; then
    echo 'docs: what a document names is not there, or another than it says' >&2
    cat "$missing" >&2
    exit 1
fi
