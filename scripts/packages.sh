# shellcheck shell=bash disable=SC2034
# Sourced by ./demo and ./check: install what is missing, from Debian's archive and from npm. Works without root where nothing is missing.

# What is needed, each with how to see that it is there: a command, a pkg-config module, or a file.
packages_build='cmd:cc=gcc cmd:make=make file:/usr/include/stdio.h=libc6-dev cmd:cmake=cmake cmd:pkg-config=pkg-config
pc:libmicrohttpd=libmicrohttpd-dev pc:libcjson=libcjson-dev pc:sqlite3=libsqlite3-dev pc:zlib=zlib1g-dev pc:inih=libinih-dev
pc:gnutls=libgnutls28-dev pc:libzstd=libzstd-dev pc:libpng=libpng-dev pc:libsystemd=libsystemd-dev
cmd:curl=curl cmd:node=nodejs cmd:npm=npm file:/etc/ssl/certs/ca-certificates.crt=ca-certificates'
packages_check='pc:check=check cmd:clang-format=clang-format cmd:shellcheck=shellcheck cmd:systemd-analyze=systemd
cmd:chromium=chromium file:/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf=fonts-dejavu-core'

is_there() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    file:*) [ -e "${1#file:}" ] ;;
    esac
}

# Prints the packages of the given list that are missing.
packages_missing() {
    local entry missing=''
    for entry in $1; do
        is_there "${entry%%=*}" || missing+=" ${entry#*=}"
    done
    printf '%s' "$missing"
}

packages_install() {
    local missing as_root=()
    missing=$(packages_missing "$1")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        printf 'Please install the equivalents of these Debian packages, then start again:%s\n' "$missing" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            printf 'Packages are missing, and there is neither root nor sudo. As root, say:\n  apt-get install --no-install-recommends%s\n' "$missing" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    printf 'installing:%s\n' "$missing"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of words
    if ! { "${as_root[@]}" apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        printf 'apt-get could not install:%s\n' "$missing" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# What package-lock.json names, into node_modules; nothing where that has been done already.
npm_install() {
    cmp -s package-lock.json node_modules/.installed && return 0
    echo 'installing: npm packages'
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed
}
