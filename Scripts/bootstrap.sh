#!/bin/sh
# Installs what a purpose needs and this machine lacks; says nothing and costs nothing when all is there.
#   bootstrap.sh build   the C libraries that the Swift build links
#   bootstrap.sh test    build, and what the end-to-end suite needs
#   bootstrap.sh bench   test, and the load generator with its yardstick
set -eu
. "$(dirname "$0")/common.sh"

purpose=${1:-test}

for_build="libsqlite3-dev libpq-dev zlib1g-dev pkg-config"
for_test="python3 python3-venv strace curl ca-certificates chromium chromium-driver postgresql"
for_bench="wrk nginx-light gcc libc6-dev"

case $purpose in
build) packages=$for_build ;;
test) packages="$for_build $for_test" ;;
bench) packages="$for_build $for_test $for_bench" ;;
*) die "usage: Scripts/bootstrap.sh [build|test|bench]" ;;
esac

installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return 0
    # Another flavour serves as well: pkgconf for pkg-config, full nginx for nginx-light, any cc for gcc. A browser and its
    # driver that were put there by hand do too.
    case $1 in
    pkg-config) command -v pkg-config >/dev/null ;;
    nginx-light) command -v nginx >/dev/null ;;
    gcc) command -v cc >/dev/null ;;
    chromium) command -v chromium >/dev/null ;;
    chromium-driver) command -v chromedriver >/dev/null ;;
    *) return 1 ;;
    esac
}

install_packages() {
    missing=
    for package in $packages; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0

    command -v apt-get >/dev/null ||
        die "no apt-get here; install what Debian calls:$missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } ||
            die "not root, and sudo asks for a password; run: sudo apt-get install$missing"
        as_root="sudo -n"
    fi
    say "installing$missing"
    # A package that is on the machine's lists already needs no update, which saves a minute offline.
    # shellcheck disable=SC2086 # lists of words
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing"
    $install >&2 || { $as_root apt-get update -q >&2 && $install >&2; }
}

# Debian's own interpreter, whatever else stands first in PATH: the pins were tried with it.
python=/usr/bin/python3

make_venv() {
    requirements=Tests/EndToEnd/requirements.txt
    stamp=.venv/requirements.stamp
    wanted="$(pwd) $($python --version) $(cksum <"$requirements")"
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0

    say "making .venv from $requirements"
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    printf '%s\n' "$wanted" >"$stamp"
}

command -v swift >/dev/null || die "no swift in PATH: install the Swift toolchain, 6.2 or newer first (make doctor tells more)"
install_packages
[ "$purpose" = build ] || make_venv
