#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how large plexauthd is for each architecture, and fails if it is larger
# for amd64 than this version of Go allows. Run by make size-check, which says in
# BUILD how to build.
set -eu

version=$("$GO" env GOVERSION)
case $version in
go1.26*) most=7969177 ;; # 7.6 MiB
go1.27*) most=8388608 ;; # 8.0 MiB
*)
	echo "size-check: no bar for $version; add one to packaging/size-check.sh" >&2
	exit 1
	;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for arch in amd64 arm64 arm; do
	eval "GOOS=linux GOARCH=$arch GOARM=6 $BUILD -o $dir/$arch ./cmd/plexauthd"
	echo "plexauthd for $arch with $version: $(stat -c %s "$dir/$arch") bytes"
done
size=$(stat -c %s "$dir/amd64")
[ "$size" -le "$most" ] || {
	echo "size-check: $size bytes are more than the $most that plexauthd may have for amd64" >&2
	exit 1
}
