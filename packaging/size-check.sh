#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how large plexauthd is for an architecture. For amd64 it fails if that is
# more than this version of Go may bring. Run by make size-check.
#   size-check.sh ARCHITECTURE PROGRAM
set -eu
arch=$1 size=$(stat -c %s "$2") version=$("$GO" env GOVERSION)

case $version in
go1.26*) most=7969177 ;; # 7.6 MiB
go1.27*) most=8388608 ;; # 8.0 MiB
*)
	echo "size-check: no bar for $version: add one to packaging/size-check.sh" >&2
	exit 1
	;;
esac

echo "plexauthd for $arch with $version: $size bytes"
[ "$arch" != amd64 ] || [ "$size" -le "$most" ] || {
	echo "size-check: more than the $most bytes that it may have" >&2
	exit 1
}
