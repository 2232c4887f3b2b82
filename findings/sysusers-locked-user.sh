#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One line of type "u!" makes systemd-sysusers 252 (Debian 12) ignore the whole file,
# the groups on other lines included; 257 knows the type.
#
# "u!" makes a locked user, and newer packages have it. systemd uses a unit file that
# has a directive of a newer version without that line, and one might expect the same
# here. Instead no user and no group of the file exists afterwards.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

# groups_of SUITE makes the users of a file in an empty root, and says what it has got.
groups_of() {
	rm -rf "$dir/image"
	mkdir -p "$dir/image/etc"
	printf 'g player -\nu! service - "A service"\n' >"$dir/image/service.conf"
	status=0
	inside "$1" systemd-sysusers --root=/tmp/image /tmp/image/service.conf 2>"$dir/said" || status=$?
	echo "status $status, groups $(cut -d : -f 1 "$dir/image/etc/group" 2>/dev/null | sort | paste -s -d ' ')"
}

debian bookworm systemd-standalone-sysusers=252.39-1~deb12u2
debian trixie systemd-standalone-sysusers=257.13-1~deb13u1
same "systemd 252" "$(groups_of bookworm)" "status 1, groups "
same "it says" "$(cat "$dir/said")" "/tmp/image/service.conf:2: Unknown modifier 'u!'."
same "systemd 257" "$(groups_of trixie)" "status 0, groups player service"
