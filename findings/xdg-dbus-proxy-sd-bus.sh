#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# xdg-dbus-proxy 0.1.4 (Debian 12) ends the connection of every sd-bus client, 0.1.6
# does not; GDBus clients work with both.
#
# sd-bus sends AUTH, NEGOTIATE_UNIX_FD and BEGIN at once and its first message behind
# them, without waiting for answers. The older proxy takes what follows for a message
# that cannot be read. The client hears "Transport endpoint is not connected", which
# looks like a proxy that is not there. So in a Flatpak on Debian 12, systemd's library
# and its busctl do not work however the permissions are set.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

ask_busctl() {
	inside bookworm busctl --address=unix:path=/tmp/proxy call \
		org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s org.freedesktop.DBus 2>&1 || :
}
ask_gdbus() {
	inside bookworm gdbus call --address unix:path=/tmp/proxy --dest org.freedesktop.DBus \
		--object-path / --method org.freedesktop.DBus.NameHasOwner org.freedesktop.DBus 2>&1
}
proxy() {
	inside "$1" xdg-dbus-proxy unix:path=/tmp/bus /tmp/proxy --filter 2>/dev/null &
	until_true test -S "$dir/proxy"
}

debian bookworm dbus-daemon libglib2.0-bin=2.74.6-2+deb12u9 systemd=252.39-1~deb12u2 xdg-dbus-proxy=0.1.4-3+deb12u1
debian trixie dbus-daemon xdg-dbus-proxy=0.1.6-1+deb13u3
dbus_daemon bookworm
proxy bookworm
same "xdg-dbus-proxy" "$(inside bookworm xdg-dbus-proxy --version)" "xdg-dbus-proxy 0.1.4"
same "busctl 252 through it" "$(ask_busctl)" "Call failed: Transport endpoint is not connected"
same "gdbus 2.74 through it" "$(ask_gdbus)" "(true,)"
stop_bus
rm "$dir/proxy"
dbus_daemon bookworm
proxy trixie
same "xdg-dbus-proxy" "$(inside trixie xdg-dbus-proxy --version)" "xdg-dbus-proxy 0.1.6"
same "busctl 252 through it" "$(ask_busctl)" "b true"
same "gdbus 2.74 through it" "$(ask_gdbus)" "(true,)"
