#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole job once, on a private bus and against a simulated plex.tv:
# pair, see the signal, restart, still signed in, sign out. Run by make demo.
set -eu
cd "$(dirname "$0")/.."

# A bus of our own: the script starts itself again inside it.
if [ "${PLEXAUTHD_DEMO:-}" != inside ]; then
	command -v dbus-run-session >/dev/null || {
		echo "demo: dbus-run-session is missing; it comes with D-Bus (Debian: apt install dbus-daemon)" >&2
		exit 1
	}
	PLEXAUTHD_DEMO=inside exec dbus-run-session -- sh packaging/demo.sh
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

say() {
	if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}
ctl() { bin/plexauthctl --bus session "$@"; }

# Status 3 is an answer too: nobody is signed in.
answers() { ctl status || [ $? -eq 3 ]; }
valid() { ctl validate; }

# until_true COMMAND: try for ten seconds.
until_true() {
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "demo: gave up waiting for: $*" >&2; cat "$dir"/*.log >&2; exit 1; }
		sleep 0.1
	done
}

start_daemon() {
	bin/plexauthd --bus session --state "$dir/state/state.toml" --plex-url "$url" 2>>"$dir/daemon.log" &
	daemon=$!
	pids="$pids $daemon"
	until_true answers
}

say "A simulated plex.tv, where somebody claims each code after two seconds"
bin/plextv-sim --listen 127.0.0.1:0 --claim-after 2s >"$dir/plextv.log" 2>&1 &
pids="$pids $!"
until_true grep -q '^listening on ' "$dir/plextv.log"
url=$(sed -n 's/^listening on //p' "$dir/plextv.log")
echo "$url"

say "plexauthd on a private bus; nobody is signed in"
start_daemon
answers

say "A frontend watches the bus while plexauthctl signs in"
bin/plexauthctl --bus session watch >"$dir/watch.log" & # not ctl: a shell between would be killed alone
pids="$pids $!"
until_true test -s "$dir/watch.log"
ctl login --qr always

say "What the frontend saw"
until_true grep -q signed-in "$dir/watch.log"
cat "$dir/watch.log"

say "The state file, with the token blanked"
sed 's/^\(token = \).*/\1"[blanked]"/' "$dir/state/state.toml"

say "plexauthd is killed and started again: still signed in"
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || :
start_daemon
until_true valid
ctl status

say "Sign-out, here and at plex.tv"
ctl logout
answers
