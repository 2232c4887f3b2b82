// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"io"
	"net"
	"testing"

	"github.com/godbus/dbus/v5"

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
		name := b.answerTo(odd)
		if passed := name != hungUp; passed != odd.Valid || passed && name != names.ErrInvalidArgs {
			t.Errorf("%s: %s", odd.Name, name)
		}
		c.call("org.freedesktop.DBus.Peer.Ping").gives("")
	}
	c.main("RequestPin").gives("tsssx")
}

const hungUp = "the bus has hung up"

// answerTo gives the name of the error that answers the call.
func (b *box) answerTo(odd bustest.Odd) (name string) {
	b.t.Helper()
	conn, socket, err := openRaw(b.bus.Address, func(socket net.Conn) io.ReadWriteCloser { return socket })
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answers := make(chan *dbus.Message, 8)
	conn.Eavesdrop(answers)
	if _, err := socket.Write(odd.Raw); err != nil {
		b.t.Fatal(err)
	}
	for {
		select {
		case answer, ok := <-answers:
			if !ok {
				return hungUp
			}
			if answer.Type == dbus.TypeError {
				return answer.Headers[dbus.FieldErrorName].Value().(string)
			}
		case <-b.ctx.Done():
			return "no answer"
		}
	}
}
