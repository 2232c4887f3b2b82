#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has a command left the machine as it was? Lists users, groups, mounts, processes
# and every file outside this tree, and prints what differs afterwards:
#
#	sh packaging/unchanged.sh before LIST
#	make test
#	sh packaging/unchanged.sh after LIST
#
# Exits with status 1 if something differs. Needs a root directory that nobody else
# writes to, with /proc mounted; Go's own caches may change.
set -eu

usage() {
	echo "usage: sh packaging/unchanged.sh before|after LIST" >&2
	exit 2
}

[ $# -eq 2 ] || usage
tree=$(cd "$(dirname "$0")/.." && pwd -P)
list=$(realpath "$2")

# files shows directories without times: files in them may come and go.
files() {
	find / \( -path /proc -o -path /sys -o -path '/dev/*' ! -path '/dev/shm*' \
		-o -path "$tree" -o -path "$list*" \
		-o -path "$(go env GOCACHE)" -o -path "$(go env GOMODCACHE)" -o -path "$(go env GOTELEMETRYDIR)" \
		\) -prune -o -type d -printf 'file %p %M %U:%G\n' -o -printf 'file %p %M %U:%G %s %T+ %l\n'
}

# parent PID
parent() {
	sed -n 's/^PPid:\t//p' "/proc/$1/status" 2>/dev/null
}

# processes shows those with our root directory, without kernel threads, zombies,
# this script and what has started it.
processes() {
	pid=$$ ours=' '
	while [ "$pid" -gt 0 ]; do
		ours="$ours$pid "
		pid=$(parent "$pid")
	done
	root=$(stat -Lc %d:%i /proc/self/root)
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		case $ours in *" $pid "*) continue ;; esac
		[ "$(parent "$pid")" != $$ ] || continue
		[ "$(stat -Lc %d:%i "$dir/root" 2>/dev/null)" = "$root" ] || continue
		if exe=$(readlink "$dir/exe"); then
			echo "process $pid $exe"
		fi
	done
}

# everything LIST writes the list. Not into a pipe, which would hide a failure.
everything() {
	list_all >"$1.unsorted"
	LC_ALL=C sort "$1.unsorted" >"$1"
	rm "$1.unsorted"
}

list_all() {
	getent passwd | sed 's/^/user /'
	getent group | sed 's/^/group /'
	cut -d' ' -f5- /proc/self/mountinfo | sed 's/^/mount /'
	processes
	files
}

case $1 in
before)
	everything "$list"
	;;
after)
	everything "$list.after"
	status=0
	diff -U0 "$list" "$list.after" | sed -n '/^[-+][a-z]/p' >"$list.diff"
	if [ -s "$list.diff" ]; then
		echo "left changed (- before, + after):" >&2
		cat "$list.diff" >&2
		status=1
	fi
	rm -f "$list.after" "$list.diff"
	exit "$status"
	;;
*) usage ;;
esac
