// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// openBus takes the place of a bus, one that lets everything through: dbus-daemon
// looks at what is sent, and disconnects the sender of nonsense. All callers are
// root there.
type openBus struct {
	*bustest.Broker
	answers chan *dbus.Message // of the service
	serial  uint32             // of the last call
}

func newOpenBus(t testing.TB) *openBus {
	t.Helper()
	b := &openBus{answers: make(chan *dbus.Message, 1)}
	b.Broker = bustest.NewBroker(t, func(_ *bustest.BrokerConn, m *dbus.Message, _ []int) []any {
		switch {
		case m.Type != dbus.TypeMethodCall:
			b.answers <- m
		case m.Headers[dbus.FieldMember].Value() == "GetConnectionCredentials":
			return []any{map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(0))}}
		}
		return nil
	})
	return b
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
	b.Owner().SendRaw(c.encode(b.serial))
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
