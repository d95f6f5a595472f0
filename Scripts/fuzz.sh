#!/bin/sh
# Drives generated and mutated PUT bodies through scanner and change decoder in-process: no crash, no hang.
# The first argument is the number of bodies; more arguments go to patchbay-fuzz.
set -eu
. "$(dirname "$0")/common.sh"

iterations=${1:-1000000}
[ $# -eq 0 ] || shift

sh Scripts/bootstrap.sh build
exec swift run -c release patchbay-fuzz "$iterations" "$@"
