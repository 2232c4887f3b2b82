// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// farEnd is the bus's end of a wire.
type farEnd struct {
	t *testing.T
	*net.UnixConn
	in *bufio.Reader
	// passed is what the wire hands on to godbus.
	passed chan *dbus.Message
}

// newFarEnd connects a wire, on which messages have begun, and reads from it
// as godbus does.
func newFarEnd(t *testing.T, handler Handler) (*farEnd, *wire) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := far.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	socket, err := newSocket(near)
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(socket, handler)
	w.begun = true
	f := &farEnd{t, far.(*net.UnixConn), bufio.NewReader(far), make(chan *dbus.Message, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m, err := dbus.DecodeMessage(w)
			if err != nil {
				return
			}
			f.passed <- m
		}
	}()
	t.Cleanup(func() { _ = w.Close(); _ = far.Close(); <-ended })
	return f, w
}

// request is a call of a member, with a body.
func request(member string, body ...any) *dbus.Message {
	return &dbus.Message{Type: dbus.TypeMethodCall, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldSender:    dbus.MakeVariant(":1.7"),
		dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath("/a/b")),
		dbus.FieldInterface: dbus.MakeVariant("x.y"),
		dbus.FieldMember:    dbus.MakeVariant(member),
		dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
	}}
}

// encode gives the message as it comes from the bus, with that serial.
func encode(t testing.TB, m *dbus.Message, order binary.ByteOrder, serial uint32) message {
	t.Helper()
	var raw bytes.Buffer
	if err := m.EncodeTo(&raw, order); err != nil {
		t.Fatal(err)
	}
	order.PutUint32(raw.Bytes()[serialAt:], serial)
	return raw.Bytes()
}

func (f *farEnd) send(m *dbus.Message, serial uint32) {
	f.t.Helper()
	if _, err := f.Write(encode(f.t, m, binary.LittleEndian, serial)); err != nil {
		f.t.Fatal(err)
	}
}

// reply reads the next message and wants it to answer the call of that serial.
func (f *farEnd) reply(to uint32) *dbus.Message {
	f.t.Helper()
	m, err := dbus.DecodeMessage(f.in)
	if err != nil {
		f.t.Fatal(err)
	}
	if got := m.Headers[dbus.FieldReplySerial].Value(); got != to {
		f.t.Fatalf("the reply is to call %v, not %d: %v", got, to, m)
	}
	return m
}

// handlerFunc is a function as a handler.
type handlerFunc func(*Call)

func (f handlerFunc) HandleCall(c *Call) { f(c) }

// echo answers with what it was given.
func echo(c *Call) {
	arguments, err := c.Arguments()
	c.Reply(func() Reply {
		if err != nil {
			return Failure("x.y.Error", err.Error())
		}
		reply, err := Values(append([]any{string(c.Member)}, arguments...)...)
		if err != nil {
			return Failure("x.y.Error", err.Error())
		}
		return reply
	})
}
