// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// openRaw opens a connection to the bus whose bytes pass through wrap.
func openRaw(address string, wrap func(net.Conn) io.ReadWriteCloser) (*dbus.Conn, net.Conn, error) {
	path, _, _ := strings.Cut(strings.TrimPrefix(address, "unix:path="), ",")
	socket, err := net.Dial("unix", path)
	if err != nil {
		return nil, nil, err
	}
	conn, err := dbus.NewConn(wrap(socket))
	if err == nil {
		err = conn.Auth(nil)
	}
	if err == nil {
		err = conn.Hello()
	}
	return conn, socket, err
}

const hungUp = "the bus has hung up"

// answerTo gives the name of the error that answers a call.
func (b *box) answerTo(call []byte) (name string) {
	b.t.Helper()
	c := b.bus.Raw(b.t)
	defer c.Close()
	if _, err := c.Write(call); err != nil {
		b.t.Fatal(err)
	}
	for {
		raw, err := c.Next()
		if err != nil {
			return hungUp
		}
		m, err := dbus.DecodeMessage(bytes.NewReader(raw))
		if err != nil {
			b.t.Fatal(err)
		}
		if m.Type == dbus.TypeError {
			return m.Headers[dbus.FieldErrorName].Value().(string)
		}
	}
}

// answerToOptions calls RequestPinWithOptions with arguments that godbus would not
// send.
func (b *box) answerToOptions(signature, arguments string) (name string) {
	b.t.Helper()
	return b.answerTo(bustest.CallWith(names.Bus, names.Main+".RequestPinWithOptions", signature, []byte(arguments)))
}

func TestValidMessagesThatGodbusCannotDecode(t *testing.T) {
	b := newBox(t, setup{})
	const entry = "\x0a\x00\x00\x00%PAD%\x01\x00\x00\x00\x01\x00\x00\x00x\x00" // {true: "x"}
	for signature, arguments := range map[string]string{
		"a{bs}":        strings.Replace(entry, "%PAD%", "\x00\x00\x00\x00", 1),
		"a{gs}":        "\x0a\x00\x00\x00\x00\x00\x00\x00\x01s\x00\x00\x01\x00\x00\x00x\x00",
		"v":            "\x05a{bs}\x00\x00" + strings.Replace(entry, "%PAD%", "\x00\x00\x00\x00", 1),
		"(((y)))a{bs}": "\x07\x00\x00\x00" + strings.Replace(entry, "%PAD%", "", 1),
	} {
		if name := b.answerToOptions(signature, arguments); name != names.ErrInvalidArgs {
			t.Errorf("%s was answered with %q", signature, name)
		}
	}
	if name := b.answerToOptions("a{bs}", "\x00\x00\x00\x00\x00\x00\x00\x00"); name != names.ErrInvalidArgs {
		t.Errorf("an empty a{bs} was answered with %q", name)
	}
	b.client().main("RequestPin").gives("tsssx")
}

func TestFileDescriptorsAreNotTaken(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	for _, given := range []any{dbus.UnixFD(0), []dbus.UnixFD{0, 0}} {
		c.main("RequestPinWithOptions", given).isError("org.freedesktop.DBus.Error.NotSupported")
	}
	c.main("RequestPin").gives("tsssx")
}

func TestLongMessages(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	long := options{}
	for i := range 2000 {
		long[strings.Repeat("k", i+1)] = dbus.MakeVariant(strings.Repeat("v", i))
	}
	c.main("RequestPinWithOptions", long).isError(names.ErrInvalidArgs, "options")
}
