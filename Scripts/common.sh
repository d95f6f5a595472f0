# Sourced by every script here: go to the repository's root, and two ways of speaking.
# The caller has said `set -eu` and is run as `sh Scripts/NAME.sh` from anywhere.

cd "$(dirname "$0")/.."

say() { printf '%s\n' "==> $*" >&2; }

die() {
    printf '%s\n' "error: $*" >&2
    exit 1
}
