# What tools/quickstart and tools/test share: packages and the build. Sourced, not run.
# shellcheck shell=bash

# The steps are numbered, so that a long one shows how far the whole is.
step_number=0
step() {
    step_number=$((step_number + 1))
    printf '\n[%d/%d] %s\n' "$step_number" "$steps" "$*"
}

say() { printf '      %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# What every build needs beside the Swift toolchain.
build_packages=(
    ca-certificates git pkg-config libopenblas0 libsystemd-dev libjpeg62-turbo-dev libpng-dev
    libsqlite3-dev zlib1g-dev
)

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME…: installs those that are missing, and says so. Touches nothing otherwise.
need_packages() {
    command -v dpkg-query >/dev/null ||
        die "this needs Debian 12 or one of its children; elsewhere install the like of: $*"
    local name missing=()
    for name; do
        is_installed "$name" || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "all ${#} packages are installed"
        return
    fi
    say "installing ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install ${missing[*]}; the reason is above"
    fi
    rm -f "$log"
}

need_swift() {
    command -v swift >/dev/null ||
        die "there is no 'swift' in PATH: install a Swift 6.3 toolchain from https://swift.org/install"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
    case $version in
        6.[3-9] | 6.[1-9][0-9] | [7-9].* | [1-9][0-9].*) ;;
        *) die "Swift ${version:-of an unknown version} is too old: 6.3 or newer is needed" ;;
    esac
}

# The child of the step under way, so that an interrupt ends it and nothing else.
child=

# attended COMMAND…: runs it as the current child; a signal to this script interrupts the wait.
attended() {
    "$@" &
    child=$!
    local status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

# build [OPTION…]: the one build of both tools, in .build. Tests reach internals by `package` access
# and not by testable imports, so they need no build of their own.
#
# SwiftPM hands on the traits of a package in the order of a Set, and another order compiles
# Hummingbird again (SwiftPM 6.3); with fixed hashes the order is always the same.
build() {
    attended env SWIFT_DETERMINISTIC_HASHING=1 swift build -c release "$@"
}

# stop PID SECONDS: asks a process that we started to end, and insists after so many seconds.
stop() {
    kill -TERM "$1" 2>/dev/null || return 0
    local waited=0
    while kill -0 "$1" 2>/dev/null && [ "$waited" -lt $(($2 * 10)) ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    kill -KILL "$1" 2>/dev/null || true
}
