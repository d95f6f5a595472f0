#!/bin/sh
# Builds the release binary, .build/release/patchbay.
set -eu
. "$(dirname "$0")/common.sh"

sh Scripts/bootstrap.sh build
say "building the release binary"
swift build -c release --product patchbay
