#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# @homebridge/dbus-native 0.7.9 sends a plain object as an empty dictionary, and hands
# out 64-bit integers rounded.
#
# A JavaScript object is what one passes for an a{sv}, and dbus-next takes one. This
# module wants an array of pairs. An object has no length, so no entry is sent, and no
# error is reported. A uint64 arrives as a number rounded to 53 bits, not as a BigInt.
#
# Needs apt, node, npm and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/speak.js" <<'EOF'
const bus = require('@homebridge/dbus-native').createClient({ busAddress: 'unix:path=' + process.argv[2] });
const start = (options) => bus.invoke({ destination: 'org.example.Pair', path: '/', interface: 'org.example.Pair',
  member: 'Start', signature: 'a{sv}', body: [options], type: 1 }, () => {});
bus.connection.on('message', (message) => {
  if (message.member === 'Started') {
    console.log(typeof message.body[0], message.body[0]);
    process.exit();
  }
});
bus.addMatch("type='signal',member='Started'", () => {
  start({ strong: ['b', true] });
  start([['strong', ['b', true]]]);
  console.log('ready');
});
EOF

debian trixie dbus-daemon=1.16.2-2
(cd "$dir" && npm install --cache "$dir/npm" --silent --no-audit --no-fund --ignore-scripts @homebridge/dbus-native@0.7.9 >&2)
dbus_daemon trixie
inside trixie dbus-monitor --session "member='Start'" >"$dir/heard" 2>&1 &
until_true grep -q NameLost "$dir/heard"
# The bus sees whoever connects as root of a user namespace.
(cd "$dir" && exec timeout 30 unshare --map-root-user node speak.js "$dir/bus" >"$dir/printed") &
until_true grep -q 'boolean true' "$dir/heard"
inside trixie dbus-send --session --type=signal / org.example.Pair.Started uint64:9007199254740993
until_true grep -q number "$dir/printed"
dictionaries=$(sed -n '/member=Start$/,$p' "$dir/heard" | grep -v '^method call' | tr -d ' \n')
same "two dictionaries, as an object and as pairs" "$dictionaries" 'array[]array[dictentry(string"strong"variantbooleantrue)]'
same "uint64 9007199254740993" "$(sed -n 2p "$dir/printed")" "number 9007199254740992"
