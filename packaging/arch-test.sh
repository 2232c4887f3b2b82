#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the programs of each architecture: a whole sign-in over TLS against a
# simulated plex.tv, on a private bus. Run by make arch-test, which builds them.
#   arch-test.sh DIR EMULATOR...    DIR holds the programs, EMULATOR runs them
set -eu

# A bus of our own: the script starts itself again inside it.
if [ "${PLEXAUTHD_ARCH_TEST:-}" != inside ]; then
	PLEXAUTHD_ARCH_TEST=inside exec dbus-run-session -- sh "$0" "$@"
fi

bin=$1
shift
emulator=$*
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
	echo "arch-test: $bin: $*" >&2
	cat "$dir"/*.log >&2
	exit 1
}

# The words of $emulator are separate arguments.
# shellcheck disable=SC2086
run() { program=$1; shift; $emulator "$bin/$program" "$@"; }
ctl() { run plexauthctl --bus session "$@"; }

# until_true COMMAND: try for a minute, an emulator is slow.
until_true() {
	n=0
	until "$@" >>"$dir/tries.log" 2>&1; do
		n=$((n + 1))
		[ $n -lt 300 ] || fail "gave up waiting for: $*"
		sleep 0.2
	done
}

# says TEXT COMMAND...: the command succeeds, or ends with 3 for nobody signed in,
# and prints TEXT.
says() {
	text=$1
	shift
	"$@" >"$dir/said.log" 2>&1 || [ $? -eq 3 ] || fail "$* failed"
	grep -q -e "$text" "$dir/said.log" || fail "$* does not say $text"
}

signed_out() { ctl status || [ $? -eq 3 ]; }

says '^plexauthd ' run plexauthd --version
says '^plexauthctl ' run plexauthctl version

# shellcheck disable=SC2086
$emulator "$bin/plextv-sim" --listen 127.0.0.1:0 --tls --ca-file "$dir/ca.pem" --claim-after 1s >"$dir/plextv.log" 2>&1 &
pids="$pids $!"
until_true grep -q '^listening on ' "$dir/plextv.log"
url=$(sed -n 's/^listening on //p' "$dir/plextv.log")

: >"$dir/config.toml"
# shellcheck disable=SC2086
SSL_CERT_FILE="$dir/ca.pem" $emulator "$bin/plexauthd" --bus session --config "$dir/config.toml" \
	--state "$dir/state/state.toml" --plex-url "$url" 2>"$dir/daemon.log" &
pids="$pids $!"
until_true signed_out

says 'Signed in as sim-user' ctl login --qr never
says 'Signed in as sim-user' ctl status
says 'sim-user' ctl users
grep -q '^token = ' "$dir/state/state.toml" || fail "no token is stored"
ctl logout >"$dir/said.log" 2>&1 || fail "sign-out failed"
says 'Nobody is signed in' ctl status
! grep -q '^token = ' "$dir/state/state.toml" || fail "the token is still stored"
echo "$bin: signed in and out"
