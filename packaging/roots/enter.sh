#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command in a copy of a root directory, in a clean clone of this tree:
#
#	sh packaging/roots/enter.sh ROOT COMMAND [ARGUMENT]...
#
# Changes are kept in memory, and nothing is left when the command has ended or its
# caller has. The network, Go, its caches and the way to the module proxy are this
# machine's. Needs root.
set -eu

# Our own namespaces die with their first process, and that dies with our parent.
if [ "${1:-}" != --inside ]; then
	ENTER_TOP=$(mktemp -d)
	export ENTER_TOP
	trap 'rmdir "$ENTER_TOP"' EXIT
	trap 'exit 1' HUP INT TERM
	setpriv --pdeathsig KILL \
		unshare --mount --pid --ipc --fork --kill-child sh "$0" --inside "$@"
	exit
fi
shift
lower=$1
shift
[ -d "$lower/usr" ] || { echo "no root directory $lower; make one with: make box-root" >&2; exit 1; }
tree=$(cd "$(dirname "$0")/../.." && pwd -P)

# share PATH HERE shows something of this machine in the root.
share() {
	if [ -d "$1" ]; then
		mkdir -p "$root$2"
	else
		mkdir -p "$root$(dirname "$2")"
		[ -e "$root$2" ] || : >"$root$2"
	fi
	mount --rbind "$1" "$root$2"
}

# memory DIR MODE
memory() {
	mount -t tmpfs -o "mode=$2,nosuid,nodev" tmpfs "$root$1"
}

# Nobody else sees what is mounted here.
top=$ENTER_TOP
root=$top/root
mount -t tmpfs -o mode=0755,size=4g enter "$top"
mkdir "$top/changes" "$top/work" "$root"
mount -t overlay -o "lowerdir=$lower,upperdir=$top/changes,workdir=$top/work" enter "$root"
mount -t proc proc "$root/proc"
share /sys /sys
share /dev /dev
memory /dev/shm 1777
memory /run 0755
memory /tmp 1777
share /etc/resolv.conf /etc/resolv.conf
share /etc/hosts /etc/hosts
authorities=/etc/ssl/certs/ca-certificates.crt
[ ! -e "$root$authorities" ] || share "${SSL_CERT_FILE:-$authorities}" "$authorities"

share "$(go env GOMODCACHE)" /root/go/pkg/mod
share "$(go env GOCACHE)" /root/.cache/go-build
goroot=$(go env GOROOT)
share "$goroot" "$goroot"
mount -o remount,bind,ro "$root$goroot"

# The tree may belong to any user.
printf '[safe]\n\tdirectory = *\n' >"$top/gitconfig"
GIT_CONFIG_GLOBAL="$top/gitconfig" git clone --quiet --no-hardlinks "$tree" "$root/root/plexauthd"
# Not exec: the first process of a PID namespace has to be one that takes leave of
# other people's children.
status=0
env -i HOME=/root LANG=C.UTF-8 \
	PATH="$goroot/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
	GOPROXY="$(go env GOPROXY)" GONOSUMDB="$(go env GONOSUMDB)" GOSUMDB="$(go env GOSUMDB)" \
	${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
	${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} ${no_proxy:+no_proxy="$no_proxy"} \
	chroot "$root" sh -c 'cd ~/plexauthd && exec "$@"' enter "$@" || status=$?
exit "$status"
