#!/bin/sh
# Makes dist/patchbay-VERSION-linux-ARCH.tar.gz: one binary that needs no Swift runtime, README and LICENSE.
set -eu
. "$(dirname "$0")/common.sh"

sh Scripts/bootstrap.sh build

# A folder of its own: mixing static and dynamic builds in one fails to link.
say "building with the Swift libraries inside"
swift build -c release --static-swift-stdlib --scratch-path .build-static --product patchbay
binary=.build-static/release/patchbay

needs=$(ldd "$binary")
! printf '%s\n' "$needs" | grep -E 'libswift|libFoundation|lib_Foundation|libdispatch|libBlocksRuntime|not found' ||
    die "the binary above still needs libraries of the toolchain"

# With an empty environment, so that no library path of the toolchain can help.
version=$(env -i "$binary" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*' | head -n 1)
[ -n "$version" ] || die "'patchbay version' named no version"

name=patchbay-$version-linux-$(uname -m)
rm -rf "dist/$name" "dist/$name.tar.gz"
mkdir -p "dist/$name"
install -m 0755 "$binary" "dist/$name/patchbay"
install -m 0644 README.md LICENSE "dist/$name/"

# Sorted, owned by nobody and dated by the commit: equal inputs make an equal archive.
date=@$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="$date" --directory dist "$name" |
    gzip -n -9 >"dist/$name.tar.gz"
rm -rf "dist/$name"
(cd dist && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")

say "needs only these libraries of the system:"
printf '%s\n' "$needs" | awk '{ print "      " $1 }' >&2
say "made dist/$name.tar.gz ($(du -h "dist/$name.tar.gz" | cut -f 1))"
