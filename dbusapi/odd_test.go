// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestOddCalls sends what no library sends: what the D-Bus specification allows is
// answered as wrong, the bus disconnects the sender of the rest, and the daemon
// goes on with everybody else.
func TestOddCalls(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	for _, odd := range bustest.OddCalls(names.Bus, names.Path, names.Main, "RequestPinWithOptions", "", 1000) {
		name := b.answerTo(odd.Raw)
		if passed := name != hungUp; passed != odd.Valid || passed && name != names.ErrInvalidArgs {
			t.Errorf("%s: %s", odd.Name, name)
		}
		c.call("org.freedesktop.DBus.Peer.Ping").gives("")
	}
	c.main("RequestPin").gives("tsssx")
}
