#!/bin/sh
# Measures the release binary on loopback with wrk, against nginx and /health/live in the same run. The results go to
# standard output and .build-bench/results.md; BENCH_SECONDS, BENCH_ROWS and BENCH_ROUNDS make it shorter or longer,
# BENCH_ONLY=oauth, webhooks or sweep measures only that part.
set -eu
. "$(dirname "$0")/common.sh"

sh Scripts/bootstrap.sh bench
sh Scripts/build.sh
say "building the yardstick of the refreshes"
swift build -c release --product bare-client
exec .venv/bin/python Benchmarks/bench.py "$@"
