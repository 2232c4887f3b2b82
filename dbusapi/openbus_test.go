package dbusapi_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// openBus takes the place of a bus, one that lets everything through: dbus-daemon
// looks at what is sent, and ends the connection of whoever sends nonsense.
type openBus struct {
	address string
	served  net.Conn           // to the service
	answers chan *dbus.Message // of the service
	serial  uint32             // of the last call
}

func newOpenBus(f *testing.F) *openBus {
	f.Helper()
	path := filepath.Join(f.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	b := &openBus{address: "unix:path=" + path, answers: make(chan *dbus.Message, 1)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if b.served == nil { // the next asks about callers
				b.served = conn
			}
			go b.serve(conn)
		}
	}()
	return b
}

// serve is the bus for one connection. It ends at what it cannot read, and
// whoever waits for an answer waits in vain.
func (b *openBus) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for line := ""; line != "BEGIN\r\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
		switch {
		case strings.Contains(line, "AUTH EXTERNAL"):
			_, _ = conn.Write([]byte("OK 0123456789abcdef0123456789abcdef\r\n"))
		case line != "BEGIN\r\n":
			_, _ = conn.Write([]byte("REJECTED EXTERNAL\r\n"))
		}
	}
	for {
		m, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		if m.Type != dbus.TypeMethodCall {
			b.answers <- m
			continue
		}
		_, _ = conn.Write(answerOfBus(m))
	}
}

// answerOfBus tells the service what it has to know to begin, and that all its
// callers are root.
func answerOfBus(call *dbus.Message) []byte {
	var body []any
	switch call.Headers[dbus.FieldMember].Value() {
	case "Hello":
		body = []any{":1.1"}
	case "RequestName":
		body = []any{uint32(1)}
	case "GetConnectionCredentials":
		body = []any{map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(0))}}
	}
	m := dbus.Message{Type: dbus.TypeMethodReply, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant("org.freedesktop.DBus"),
		dbus.FieldDestination: dbus.MakeVariant(":1.1"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
	}}
	var raw bytes.Buffer
	if err := m.EncodeTo(&raw, binary.LittleEndian); err != nil {
		panic(err)
	}
	binary.LittleEndian.PutUint32(raw.Bytes()[8:], 1)
	return raw.Bytes()
}

// wireCall is a call in the wire format, of any types and any arguments.
type wireCall struct {
	order               binary.ByteOrder
	path, iface, member string
	signature           string
	body                []byte
}

func (c wireCall) encode(serial uint32) []byte {
	kind := byte('l')
	if c.order == binary.BigEndian {
		kind = 'B'
	}
	raw := []byte{kind, byte(dbus.TypeMethodCall), 0, 1}
	order := c.order.(binary.AppendByteOrder)
	raw = order.AppendUint32(raw, uint32(len(c.body)))
	raw = order.AppendUint32(raw, serial)
	raw = append(raw, 0, 0, 0, 0) // the length of the fields
	for _, field := range []struct {
		number dbus.HeaderField
		kind   byte
		text   string
	}{
		{dbus.FieldPath, 'o', c.path}, {dbus.FieldInterface, 's', c.iface}, {dbus.FieldMember, 's', c.member},
		{dbus.FieldSender, 's', ":1.7"}, {dbus.FieldSignature, 'g', c.signature},
	} {
		if field.text == "" {
			continue
		}
		raw = append(padded(raw), byte(field.number), 1, field.kind, 0)
		if field.kind == 'g' {
			raw = append(raw, byte(len(field.text)))
		} else {
			raw = order.AppendUint32(raw, uint32(len(field.text)))
		}
		raw = append(append(raw, field.text...), 0)
	}
	c.order.PutUint32(raw[12:], uint32(len(raw)-16))
	return append(padded(raw), c.body...)
}

func padded(raw []byte) []byte { return append(raw, make([]byte, -len(raw)&7)...) }

// call sends a call and gives the answer, of which there has to be one.
func (b *openBus) call(t *testing.T, c wireCall) *dbus.Message {
	t.Helper()
	b.serial = b.serial%(1<<31) + 1
	if _, err := b.served.Write(c.encode(b.serial)); err != nil {
		t.Fatal(err)
	}
	select {
	case answer := <-b.answers:
		if got := answer.Headers[dbus.FieldReplySerial].Value(); got != b.serial {
			t.Fatalf("the answer is to call %v, not %d: %v", got, b.serial, answer)
		}
		return answer
	case <-time.After(patience):
		t.Fatalf("no answer to %+v", c)
		return nil
	}
}
