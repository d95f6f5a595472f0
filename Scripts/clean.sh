#!/bin/sh
# Removes what the other scripts built. A data folder is never touched.
set -eu
. "$(dirname "$0")/common.sh"

rm -rf .build .build-* .build_* .venv dist .pytest_cache .hypothesis
find Tests Benchmarks Scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
