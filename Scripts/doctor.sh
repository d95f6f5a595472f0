#!/bin/sh
# Says what this machine lacks for building, testing and measuring, and how to get it. Changes nothing.
set -eu
. "$(dirname "$0")/common.sh"

needed=0
fine() { printf '  ok       %s\n' "$*"; }
lacks() {
    printf '  MISSING  %s\n           fix: %s\n' "$1" "$2"
    needed=$((needed + 1))
}
wants() { printf '  absent   %s\n           fix: %s\n' "$1" "$2"; }

program() {
    if command -v "$1" >/dev/null; then fine "$1"; else lacks "$1 ($2)" "apt-get install $3"; fi
}

printf 'To build and run:\n'
if command -v swift >/dev/null; then
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    case $version in
    6.[2-9]* | 6.[1-9][0-9]* | [7-9].* | [1-9][0-9].*) fine "swift $version" ;;
    *) lacks "swift ${version:-of unknown version}, 6.2 or later is needed" "install a newer Swift toolchain" ;;
    esac
else
    lacks "swift" "install the Swift 6.3 toolchain and put its bin folder in PATH"
fi
program pkg-config "finds the C libraries" pkg-config
if pkg-config --exists 'sqlite3 >= 3.37' 2>/dev/null; then
    fine "sqlite3 $(pkg-config --modversion sqlite3)"
else
    lacks "the sqlite3 headers, 3.37 or later (STRICT tables)" "apt-get install libsqlite3-dev"
fi
if pkg-config --exists 'libpq >= 14' 2>/dev/null; then
    fine "libpq $(pkg-config --modversion libpq)"
else
    lacks "the headers of PostgreSQL's client library, 14 or later" "apt-get install libpq-dev"
fi
if [ -e /usr/include/zlib.h ]; then fine "zlib"; else lacks "zlib.h" "apt-get install zlib1g-dev"; fi

printf 'To test (make test installs these by itself as root or with sudo):\n'
program curl "tries the running binary" curl
program strace "shows that a sync comes before an answer" strace
program chromium "opens pages as people do" chromium
program chromedriver "drives the browser" chromium-driver
if /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null; then
    fine "$(/usr/bin/python3 --version), with venv"
else
    lacks "Debian's python3 with venv" "apt-get install python3 python3-venv"
fi
if strace -o /dev/null true 2>/dev/null; then
    fine "tracing is allowed"
else
    wants "permission to trace: the strace test is skipped" "give the container SYS_PTRACE, or run on the host"
fi
if [ "$(id -u)" -eq 0 ]; then
    fine "root: the full-disk test can mount a small disk"
else
    wants "root: the full-disk test limits file sizes instead of mounting a small disk" "run the tests as root"
fi

printf 'To measure (make bench installs these):\n'
for pair in wrk:wrk nginx:nginx-light; do
    if command -v "${pair%%:*}" >/dev/null; then
        fine "${pair%%:*}"
    else
        wants "${pair%%:*}" "apt-get install ${pair#*:}"
    fi
done

printf 'This machine: %s cores, %s MB of memory, %s MB of disk free here.\n' "$(nproc)" \
    "$(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" "$(df -Pm . | awk 'NR == 2 { print $4 }')"
[ "$(df -Pm . | awk 'NR == 2 { print $4 }')" -ge 6000 ] ||
    lacks "disk: a debug and a release build take about 6 GB" "make room"

[ "$needed" -eq 0 ] || die "$needed missing"
printf 'Everything needed is here.\n'
