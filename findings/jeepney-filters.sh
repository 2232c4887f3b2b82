#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jeepney 0.9.0: one MatchRule with sender=, given to the bus and to a filter, hears
# nothing; and a filter keeps the last message only.
#
# The bus knows who owns the name org.example.Pair and delivers the signals. The
# filter compares the rule with the message, whose sender is a unique name such as
# :1.5, so it never matches. Both take the same object, and neither complains. A rule
# with the unique name works in both places, until the service restarts.
#
# filter() makes a queue with room for one message unless it is told otherwise: of three
# signals that come while the program is busy, the first two are dropped silently.
#
# Needs apt, python3 and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/hear.py" <<'EOF'
from collections import deque
from jeepney import DBusAddress, MatchRule, message_bus, new_signal
from jeepney.io.blocking import Proxy, open_dbus_connection
service, hearer = open_dbus_connection("SESSION"), open_dbus_connection("SESSION")
Proxy(message_bus, service).RequestName("org.example.Pair")
by_name = MatchRule(type="signal", sender="org.example.Pair", member="Ended")
by_owner = MatchRule(type="signal", sender=service.unique_name, member="Ended")
Proxy(message_bus, hearer).AddMatch(by_name)
with hearer.filter(by_name, queue=deque()) as named, hearer.filter(by_owner, queue=deque()) as owned, hearer.filter(by_owner) as one:
    for number in range(3):
        service.send(new_signal(DBusAddress("/", interface="org.example.Pair"), "Ended", "u", (number,)))
    Proxy(message_bus, service).GetId()
    Proxy(message_bus, hearer).GetId()  # answered after the signals
    for heard in named, owned, one:
        print([message.body[0] for message in heard])
EOF

debian trixie dbus-daemon=1.16.2-2 python3-jeepney=0.9.0-1
dbus_daemon trixie
inside trixie python3 /tmp/hear.py >"$dir/heard"
same "sender is the service's name" "$(sed -n 1p "$dir/heard")" "[]"
same "sender is its unique name" "$(sed -n 2p "$dir/heard")" "[0, 1, 2]"
same "the same, with the queue that filter() makes" "$(sed -n 3p "$dir/heard")" "[2]"
