#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that make test needs, and those named as arguments,
# as root; names the missing ones otherwise. Does nothing where all are there.
set -eu

missing=
for package in dbus-daemon strace libglib2.0-bin systemd gcc libc6-dev pkg-config libsystemd-dev python3-jeepney zbar-tools xdg-dbus-proxy bash-completion zsh fish "$@"; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "the tests need these Debian packages, or what provides the same:$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086
apt-get install -qy --no-install-recommends $missing
