# SPDX-License-Identifier: Apache-2.0
# What scripts that run the programs begin with: a private bus, and a simulated
# plex.tv and a daemon on it, which end with the script.
#   . "$(dirname "$0")/session.sh"
# $bin holds the programs, and $emulator runs them if it is not empty.

# A bus of our own: the script starts itself again inside it.
if [ "${PLEXAUTHD_SESSION:-}" != inside ]; then
	command -v dbus-run-session >/dev/null || {
		echo "${0##*/}: dbus-run-session is missing; it comes with D-Bus (Debian: apt install dbus-daemon)" >&2
		exit 1
	}
	PLEXAUTHD_SESSION=inside exec dbus-run-session -- sh "$0" "$@"
fi

dir=$(mktemp -d)
pids=
cleanup() {
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null || :
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
	echo "${0##*/}: $bin: $*" >&2
	cat "$dir"/*.log >&2
	exit 1
}

# The words of $emulator are separate arguments.
# shellcheck disable=SC2086
run() { program=$1; shift; $emulator "$bin/$program" "$@"; }
ctl() { run plexauthctl --bus session "$@"; }

# Status 3 is an answer too: nobody is signed in.
answers() { ctl status || [ $? -eq 3 ]; }

# until_true COMMAND: try for a minute, an emulator is slow.
until_true() {
	n=0
	until "$@" >>"$dir/tries.log" 2>&1; do
		n=$((n + 1))
		[ $n -lt 300 ] || fail "gave up waiting for: $*"
		sleep 0.2
	done
}

# start_plextv ARGUMENT...: sets url.
start_plextv() {
	# shellcheck disable=SC2086
	$emulator "$bin/plextv-sim" --listen 127.0.0.1:0 "$@" >"$dir/plextv.log" 2>&1 &
	pids="$pids $!"
	until_true grep -q '^listening on ' "$dir/plextv.log"
	url=$(sed -n 's/^listening on //p' "$dir/plextv.log")
}

# start_daemon sets daemon, its process.
start_daemon() {
	: >"$dir/config.toml"
	# shellcheck disable=SC2086
	$emulator "$bin/plexauthd" --bus session --config "$dir/config.toml" \
		--state "$dir/state/state.toml" --plex-url "$url" 2>>"$dir/daemon.log" &
	daemon=$!
	pids="$pids $daemon"
	until_true answers
}
