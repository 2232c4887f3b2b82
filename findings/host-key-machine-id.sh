#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# systemd-creds 252 and 257: decrypting a credential under another machine id removes
# the host key, and with it every credential of the box, for good.
#
# The key belongs to the machine id that it was made under. If /etc/machine-id is another
# one, /var/lib/systemd/credential.secret is removed, although the command only reads.
# A box that runs once with a wrong or a temporary machine id has lost its key, even
# when the id is right again. A copy of the file, put back with mode 0400, opens the
# credential as before; with mode 0600 it is refused.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

check() {
	suite=$1 version=$2
	secret=$dir/$suite/var/lib/systemd/credential.secret
	mkdir -p "$(dirname "$secret")"
	decrypt() { inside "$suite" systemd-creds decrypt --name=plain /tmp/sealed - 2>/dev/null || echo "refused"; }
	there() { if [ -e "$secret" ]; then echo yes; else echo no; fi; }
	echo opened | inside "$suite" systemd-creds encrypt --with-key=host --name=plain - /tmp/sealed 2>/dev/null
	cp -p "$secret" "$dir/copy"
	same "$version, a sealed credential" "$(decrypt)" "opened"
	echo fedcba9876543210fedcba9876543210 >"$dir/$suite/etc/machine-id"
	same "under another machine id" "$(decrypt)" "refused"
	same "the key is still there" "$(there)" "no"
	echo 0123456789abcdef0123456789abcdef >"$dir/$suite/etc/machine-id"
	same "under the first machine id" "$(decrypt)" "refused"
	cp -p "$dir/copy" "$secret"
	same "with the copy of the key" "$(decrypt)" "opened"
	chmod 0600 "$secret"
	same "with mode 0600" "$(decrypt)" "refused"
	rm -f "$dir/copy" "$dir/sealed"
}

debian bookworm systemd=252.39-1~deb12u2
debian trixie systemd=257.13-1~deb13u1
check bookworm "systemd 252"
check trixie "systemd 257"
