#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a root directory of another Debian release, once, and prints where it is:
#
#	sh packaging/roots/root.sh SUITE [LIST]
#
# LIST names a file in this directory with a package on each line; "box" without it.
# The packages come from where this machine's apt gets its own. The root is kept in
# $BOX_ROOTS, outside the tree, and made again when the list has changed, that of sid
# also after a week. Needs root and mmdebstrap.
set -eu

suite=$1 list=${2:-box}
packages=$(dirname "$0")/$list
roots=${BOX_ROOTS:-/var/cache/plexauthd/roots}
case $list in
box) root=$roots/$suite ;;
*) root=$roots/$suite-$list ;;
esac

# fail REASON
fail() {
	echo "no root of $suite: $1; repeat with: make box-root SUITE=$suite LIST=$list" >&2
	exit 1
}

# mirror prints the address of the Debian archive that apt is configured for.
mirror() {
	apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian main //p' | head -n 1
}

# access prints how apt reaches archives: proxies, certificates, retries. sid is
# no release, so that a mirror's copy of it may be older than its index allows.
access() {
	apt-config dump | grep -E '^Acquire::(https?|Retries)\b.* ".+";$' || :
	[ "$suite" != sid ] || echo 'Acquire::Check-Valid-Until "false";'
}

# build DIR
build() {
	access >"$1.apt"
	# It gets its name when it is complete, so dpkg does not have to wait for the
	# disk.
	mmdebstrap --mode=root --variant=minbase --aptopt="$1.apt" --dpkgopt=force-unsafe-io \
		--include="$(grep -v '^#' "$packages" | paste -sd,)" "$suite" "$1" "$(mirror)" >"$1.log" 2>&1 || explain "$1.log"
	cp "$packages" "$1/var/lib/plexauthd-root"
}

# explain LOG tells what kept mmdebstrap from it.
explain() {
	cat "$1" >&2
	missing=$(sed -n "s/^E: Unable to locate package //p;s/^E: Package '\(.*\)' has no installation candidate$/\1/p" "$1" | paste -sd' ')
	if [ -n "$missing" ]; then
		fail "it has no package $missing"
	fi
	fail "mmdebstrap failed: $(grep -m 1 '^E:' "$1")"
}

# current tells whether the root is there and good. sid changes every day.
current() {
	made=$root/var/lib/plexauthd-root
	cmp -s "$packages" "$made" || return 1
	[ "$suite" != sid ] || [ -z "$(find "$made" -mtime +7)" ]
}

[ -f "$packages" ] || fail "there is no list $packages"
[ "$(id -u)" -eq 0 ] || fail "this needs to run as root"
command -v mmdebstrap >/dev/null || fail "the Debian package mmdebstrap is not installed"
[ -n "$(mirror)" ] || fail "apt knows no Debian archive (apt-get update)"
mkdir -p "$roots"
# Others that want the same root wait, and then find it made.
exec 9>"$root.lock"
flock 9
if ! current; then
	new=$(mktemp -d "$root.XXXXXX")
	trap 'rm -rf --one-file-system "$new" "$new.apt" "$new.log"' EXIT
	trap 'exit 1' HUP INT TERM
	build "$new"
	rm -rf --one-file-system "$root"
	mv "$new" "$root"
fi
echo "$root"
