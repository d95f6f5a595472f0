#!/bin/sh
# Runs every test. `test.sh unit` and `test.sh e2e` run one half; more arguments go to that half's runner.
set -eu
. "$(dirname "$0")/common.sh"

half=${1:-all}
[ $# -eq 0 ] || shift

unit() {
    say "unit tests, store conformance, HTTP scenarios (debug build)"
    # All at once, hundreds of tests with servers and deadlines of their own starve each other on few cores; no run is shorter.
    SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-4} swift test "$@"
}

end_to_end() {
    sh Scripts/build.sh
    say "end-to-end tests against .build/release/patchbay"
    .venv/bin/python -m pytest Tests/EndToEnd "$@"
}

case $half in
all | unit | e2e) sh Scripts/bootstrap.sh test ;;
*) die "usage: Scripts/test.sh [all|unit|e2e] [runner arguments]" ;;
esac

case $half in
all) unit && end_to_end ;;
unit) unit "$@" ;;
e2e) end_to_end "$@" ;;
esac
