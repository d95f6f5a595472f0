#!/bin/sh
# Checks that need no build: Swift formatting, which room imports what, left-over notes, syntax of the scripts.
set -eu
. "$(dirname "$0")/common.sh"

failures=0
complain() {
    printf '%s\n' "lint: $1" >&2
    failures=$((failures + 1))
}

existing() {
    for path in "$@"; do
        [ ! -e "$path" ] || printf '%s\n' "$path"
    done
}

# shellcheck disable=SC2046 # a list of words
swift format lint --strict --parallel --recursive $(existing Sources Tests Package.swift Benchmarks) ||
    complain "formatting (make format mends most of it)"

# only_in MODULE FOLDER…: lines that import MODULE, or a module whose name starts with it, stand in these folders only.
import_of() {
    attributes='(@[A-Za-z_]+(\([^)]*\))?[[:space:]]+)*'
    access='((public|package|internal|fileprivate|private)[[:space:]]+)?'
    kind='((struct|class|enum|protocol|func|var|let|typealias)[[:space:]]+)?'
    printf '%s' "^[[:space:]]*${attributes}${access}import[[:space:]]+${kind}$1"
}
only_in() {
    module=$1
    shift
    offenders=$(grep -rnE --include='*.swift' "$(import_of "$module")" Sources Tests $(existing Benchmarks) || true)
    for folder in "$@"; do
        offenders=$(printf '%s\n' "$offenders" | grep -v "^$folder" || true)
    done
    [ -z "$offenders" ] || complain "$module may be imported only in: $*
$offenders"
}
never_in() {
    offenders=$(grep -rnE --include='*.swift' "$(import_of "$1\\b")" "$2" || true)
    [ -z "$offenders" ] || complain "$2 must not import $1
$offenders"
}

only_in 'Hummingbird' Sources/HTTPAPI/ Sources/Simulator/ Sources/patchbay/ Tests/
only_in 'AsyncHTTPClient' Sources/Egress/ Benchmarks/
only_in 'CSQLite\b' Sources/Storage/ Tests/
only_in 'CPostgreSQL\b' Sources/Probes/ Tests/
only_in '_?Crypto(Extras)?\b' Sources/Vault/ Sources/OAuth/ Sources/Probes/ Sources/Delivery/ Sources/HTTPAPI/ Sources/Simulator/ Tests/
only_in 'Yams\b' Sources/Catalog/ Tests/
for room in Storage Vault; do
    never_in "$room" Sources/HTTPAPI
    never_in "$room" Sources/Connections
    never_in "$room" Sources/Catalog
done
for room in HTTPAPI Catalog Storage Vault; do
    never_in "$room" Sources/LosslessJSON
    never_in "$room" Sources/Connections
done

# The words are cut in two, so that this line does not find itself.
# shellcheck disable=SC2046 # a list of words
notes=$(grep -rnwE --exclude-dir=__pycache__ 'TO''DO|FIX''ME' $(existing Sources Tests Benchmarks Scripts .ci Package.swift Makefile Containerfile) || true)
[ -z "$notes" ] || complain "left-over notes
$notes"

for script in Scripts/*.sh $(existing Benchmarks/*.sh); do
    sh -n "$script" || complain "$script does not parse"
done
bash -n .ci/run || complain ".ci/run does not parse"

# Bytecode goes to a folder of its own, so that linting leaves nothing behind.
bytecode=$(mktemp -d)
trap 'rm -rf "$bytecode"' EXIT
# shellcheck disable=SC2046 # a list of words
PYTHONPYCACHEPREFIX=$bytecode python3 -m compileall -q $(existing Scripts Tests Benchmarks) ||
    complain "a Python file does not compile"

[ "$failures" -eq 0 ] || die "$failures kinds of finding"
say "lint is clean"
