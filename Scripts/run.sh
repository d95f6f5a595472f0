#!/bin/sh
# Builds, then serves. Arguments go to `patchbay serve`; PATCHBAY_… variables are read from the environment.
set -eu
. "$(dirname "$0")/common.sh"

sh Scripts/build.sh
exec .build/release/patchbay serve "$@"
