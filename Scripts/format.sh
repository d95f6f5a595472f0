#!/bin/sh
# Rewrites the Swift sources in the house style (.swift-format).
set -eu
. "$(dirname "$0")/common.sh"

for path in Sources Tests Benchmarks Package.swift; do
    [ ! -e "$path" ] || swift format format --in-place --parallel --recursive "$path"
done
