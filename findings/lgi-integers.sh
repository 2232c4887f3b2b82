#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lgi 0.9.2 turns 64-bit integers of GVariant, and so of D-Bus, into floats, also on
# Lua 5.3, which has 64-bit integers: 2^53 + 1 is read and written as 2^53.
#
# From Lua 5.3 on a number without a fraction is an integer of 64 bits, and lgi 0.9.2
# runs there. Its values still go through a double in both directions. An id
# that comes from a service and is sent back is another id then.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/integers.lua" <<'EOF'
local GLib = require("lgi").GLib
local id = GLib.Variant.parse(nil, "uint64 9007199254740993", nil, nil)
print(_VERSION .. " has " .. math.type(9007199254740993) .. " " .. 9007199254740993)
print("read as " .. math.type(id.value) .. string.format(" %.0f", id.value))
print("written as " .. GLib.Variant("t", 9007199254740993):print(true))
EOF

debian trixie lua-lgi=0.9.2-4 lua5.3=5.3.6-2+b4
inside trixie lua5.3 /tmp/integers.lua >"$dir/printed"
same "Lua" "$(sed -n 1p "$dir/printed")" "Lua 5.3 has integer 9007199254740993"
same "uint64 9007199254740993" "$(sed -n 2p "$dir/printed")" "read as float 9007199254740992"
same "9007199254740993" "$(sed -n 3p "$dir/printed")" "written as uint64 9007199254740992"
