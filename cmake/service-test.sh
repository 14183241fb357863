#!/bin/sh
# Install into a folder of the build tree; the unit there must name the binary there, and systemd must have nothing to say about it.
# usage: service-test.sh CMAKE BUILD_FOLDER SYSTEMD_ANALYZE
set -u
stage=$2/stage
rm -rf "$stage"
"$1" --install "$2" --prefix "$stage" >/dev/null || exit 1
unit=$stage/lib/systemd/system
[ -x "$stage/bin/mlpd" ] && [ -f "$stage/share/mlpd/static/index.html" ] && grep -q "^ExecStart=$stage/bin/mlpd\$" "$unit/mlpd.service" || {
    echo "installed files are missing or the unit names another binary:"
    find "$stage" -type f
    exit 1
}
said=$("$3" verify --man=no "$unit/mlpd.service" "$unit/mlpd.socket" 2>&1) || exit 1
if [ -n "$said" ]; then
    printf '%s\n' "$said"
    exit 1
fi
