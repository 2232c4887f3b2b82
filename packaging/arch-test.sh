#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the programs of each architecture: a whole sign-in over TLS against a
# simulated plex.tv, on a private bus. Run by make arch-test, which builds them.
#   arch-test.sh DIR EMULATOR...    DIR holds the programs, EMULATOR runs them
set -eu
. "$(dirname "$0")/session.sh"
bin=$1
shift
emulator=$*

# says TEXT COMMAND...: the command succeeds, or ends with 3 for nobody signed in,
# and prints TEXT.
says() {
	text=$1
	shift
	"$@" >"$dir/said.log" 2>&1 || [ $? -eq 3 ] || fail "$* failed"
	grep -q -e "$text" "$dir/said.log" || fail "$* does not say $text"
}

says '^plexauthd ' run plexauthd --version
says '^plexauthctl ' run plexauthctl version

start_plextv --tls --ca-file "$dir/ca.pem" --claim-after 1s
export SSL_CERT_FILE="$dir/ca.pem"
start_daemon

says 'Signed in as sim-user' ctl login --qr never
says 'Signed in as sim-user' ctl status
says 'sim-user' ctl users
grep -q '^token = ' "$dir/state/state.toml" || fail "no token is stored"
ctl logout >"$dir/said.log" 2>&1 || fail "sign-out failed"
says 'Nobody is signed in' ctl status
! grep -q '^token = ' "$dir/state/state.toml" || fail "the token is still stored"
echo "$bin: signed in and out"
