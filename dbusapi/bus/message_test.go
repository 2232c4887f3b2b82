package bus

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/godbus/dbus/v5"
)

// FuzzFields compares what is found in headers with what godbus finds there.
func FuzzFields(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add([]byte(encode(f, request("Member"), order, 1)))
		f.Add([]byte(encode(f, request("Member", "text", uint64(1)), order, 1)))
		f.Add([]byte(encode(f, request("Member", "text", true, "more", int64(1)), order, 1)))
		bare := request("M")
		delete(bare.Headers, dbus.FieldInterface)
		delete(bare.Headers, dbus.FieldSender)
		f.Add([]byte(encode(f, bare, order, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := message(data)
		if len(m) < headLength || m.bodyAt() > int64(len(m)) {
			return // cannot be read like that
		}
		before, _ := m.fields()
		_, _ = m.plainValues(before.signature)
		decoded, err := m.decode()
		var valid bytes.Buffer // godbus takes some that are not
		if err != nil || decoded.EncodeTo(&valid, m.order()) != nil {
			return
		}
		found, ok := message(valid.Bytes()).fields()
		if !ok {
			t.Fatalf("no fields in %v", decoded)
		}
		plain, ok := message(valid.Bytes()).plainValues(found.signature)
		if ok && !reflect.DeepEqual(plain, decoded.Body) {
			t.Errorf("the values are %v, not %v", plain, decoded.Body)
		}
		for field, text := range map[dbus.HeaderField][]byte{
			dbus.FieldPath: found.path, dbus.FieldInterface: found.iface, dbus.FieldMember: found.member,
			dbus.FieldSender: found.sender, dbus.FieldSignature: found.signature,
		} {
			var want string
			switch value := decoded.Headers[field].Value().(type) {
			case string:
				want = value
			case dbus.ObjectPath:
				want = string(value)
			case dbus.Signature:
				want = value.String()
			}
			if string(text) != want {
				t.Errorf("field %d is %q, not %q", field, text, want)
			}
		}
	})
}
