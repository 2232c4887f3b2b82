#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole job once, on a private bus and against a simulated plex.tv:
# pair, see the signal, restart, still signed in, sign out. Run by make demo.
set -eu
bin=bin emulator=
. "$(dirname "$0")/session.sh"
cd "$(dirname "$0")/.."

say() {
	if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}
valid() { ctl validate; }

say "A simulated plex.tv, where somebody claims each code after two seconds"
start_plextv --claim-after 2s
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
