# SPDX-License-Identifier: Apache-2.0
"""Another frontend for the tests: asks for a code, says which, and what it hears."""
import sys

from jeepney import DBusAddress, MatchRule, message_bus, new_method_call
from jeepney.io.blocking import Proxy, open_dbus_connection

plex = DBusAddress("/tv/retune/PlexAuth1", "tv.retune.PlexAuth1", "tv.retune.PlexAuth1")
bus = open_dbus_connection(sys.argv[1])
changed = MatchRule(type="signal", interface=plex.interface, member="AuthChanged")
Proxy(message_bus, bus).AddMatch(changed)
with bus.filter(changed, bufsize=10) as signals:
    pin = bus.send_and_get_reply(new_method_call(plex, "RequestPin")).body
    print("code", pin[1], flush=True)
    while True:
        authenticated, details = bus.recv_until_filtered(signals).body
        print("heard", authenticated, details["reason"][1], flush=True)
