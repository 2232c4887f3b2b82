// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

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

// raw is a message in the wire format with arguments that godbus would not send.
func (b *box) raw(head dbus.Message, arguments string) []byte {
	b.t.Helper()
	var raw bytes.Buffer
	if err := head.EncodeTo(&raw, binary.LittleEndian); err != nil {
		b.t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(raw.Bytes()[4:], uint32(len(arguments)))
	binary.LittleEndian.PutUint32(raw.Bytes()[8:], 1000) // the serial
	raw.WriteString(arguments)
	return raw.Bytes()
}

// callRaw calls RequestPinWithOptions with arguments that godbus would not
// send, and gives the name of the error that comes back.
func (b *box) callRaw(signature, arguments string) (name string) {
	b.t.Helper()
	conn, socket, err := openRaw(b.bus.Address, func(socket net.Conn) io.ReadWriteCloser { return socket })
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	answers := make(chan *dbus.Message, 8)
	conn.Eavesdrop(answers)
	message := dbus.Message{Type: dbus.TypeMethodCall, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(names.Bus),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(names.Path)),
		dbus.FieldInterface:   dbus.MakeVariant(names.Main),
		dbus.FieldMember:      dbus.MakeVariant("RequestPinWithOptions"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust(signature)),
	}}
	if _, err := socket.Write(b.raw(message, arguments)); err != nil {
		b.t.Fatal(err)
	}
	for {
		select {
		case answer := <-answers:
			if answer.Type == dbus.TypeError {
				return answer.Headers[dbus.FieldErrorName].Value().(string)
			}
		case <-b.ctx.Done():
			b.t.Fatalf("no answer to %s", signature)
		}
	}
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
		if name := b.callRaw(signature, arguments); name != names.ErrInvalidArgs {
			t.Errorf("%s was answered with %q", signature, name)
		}
	}
	if name := b.callRaw("a{bs}", "\x00\x00\x00\x00\x00\x00\x00\x00"); name != names.ErrInvalidArgs {
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
