// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// addMessages adds messages, whole and cut off, in both byte orders.
func addMessages(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		var all []byte
		for i, m := range messages() {
			one := encode(f, m, order, uint32(i+1))
			all = append(all, one...)
			f.Add([]byte(one), true)
			short := message(bytes.Clone(one[:len(one)-1]))
			order.PutUint32(short[bodyLengthAt:], uint32(len(short))-uint32(short.bodyAt()))
			f.Add([]byte(short), true)
		}
		f.Add(all, true)
		f.Add(all, false)
		f.Add(all[:len(all)-1], true)
		bare := request("M")
		delete(bare.Headers, dbus.FieldInterface)
		delete(bare.Headers, dbus.FieldSender)
		f.Add([]byte(encode(f, bare, order, 1)), true)
		long := encode(f, request("Long", "x"), order, 1)
		order.PutUint32(long[bodyLengthAt:], maxCall)
		f.Add([]byte(long), true)
		order.PutUint32(long[bodyLengthAt:], maxMessage)
		f.Add([]byte(long), true)
		answer := request("", map[string]dbus.Variant{"File": dbus.MakeVariant(dbus.UnixFDIndex(0))})
		answer.Type = dbus.TypeMethodReply
		answer.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(uint32(ownSerials + 1))
		delete(answer.Headers, dbus.FieldMember)
		f.Add([]byte(encode(f, answer, order, 1)), true)
	}
}

// FuzzWire takes any bytes for what the bus sends, once authentication is over:
// godbus must get nothing from them that it cannot decode, and a program that
// answers the calls what godbus would have made of them.
func FuzzWire(f *testing.F) {
	addMessages(f)
	f.Fuzz(func(t *testing.T, stream []byte, serve bool) {
		before := allocated()
		var handler Handler
		if serve {
			handler = handlerFunc(func(c *Call) { checkCall(t, c) })
		}
		var answers bytes.Buffer
		w := newWire(stub{bytes.NewReader(stream), &answers}, handler)
		w.begun = true
		if serve { // and ask
			w.questions = newQuestions(new(passing))
			w.questions.add(ownSerials + 1)
		}
		for {
			if _, err := dbus.DecodeMessage(w); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "longer than 128 MiB") {
					t.Errorf("godbus was given what it cannot take: %v", err)
				}
				break
			}
		}
		checkAnswers(t, &answers)
		// The longest message, and what godbus needs to decode one.
		if limit := uint64(4*maxOther + 500*len(stream)); allocated()-before > limit {
			t.Errorf("%d bytes of memory for %d", allocated()-before, len(stream))
		}
	})
}

// stub is the bus's end as far as a wire that only reads needs it.
type stub struct {
	io.Reader
	io.Writer
}

func (stub) Close() error { return nil }

// messages are of all kinds, in the shapes that come.
func messages() []*dbus.Message {
	signal, answer, failure := request("Changed", "from the bus"), request("", uint32(1)), request("", "text")
	signal.Type = dbus.TypeSignal
	signal.Headers[dbus.FieldSender] = dbus.MakeVariant("org.freedesktop.DBus")
	answer.Type, failure.Type = dbus.TypeMethodReply, dbus.TypeError
	for _, m := range []*dbus.Message{answer, failure} {
		delete(m.Headers, dbus.FieldMember)
		m.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(uint32(1))
	}
	failure.Headers[dbus.FieldErrorName] = dbus.MakeVariant("x.y.Error")
	whisper := request("Changed", "to us alone")
	whisper.Type = dbus.TypeSignal
	whisper.Headers[dbus.FieldDestination] = dbus.MakeVariant(":1.1")
	quiet := request("Quiet")
	quiet.Flags = dbus.FlagNoReplyExpected
	return []*dbus.Message{
		request("Plain", "text", uint64(7)), request("None"), quiet, signal, whisper, answer, failure,
		request("Options", map[string]dbus.Variant{"strong": dbus.MakeVariant(true), "x": dbus.MakeVariant([]any{int64(1)})}),
		request("All", byte(1), true, int16(2), uint16(3), int32(4), 5.5, dbus.ObjectPath("/a"), dbus.ParseSignatureMust("a(sv)"), []string{"a", ""}),
	}
}

// checkCall compares a call with what godbus makes of it, and answers it.
func checkCall(t *testing.T, c *Call) {
	values, err := c.Arguments()
	own := c.Clone()
	if again, failed := own.Arguments(); (err == nil) != (failed == nil) || !same(values, again) {
		t.Errorf("a copy of a call has %v, %v, not %v, %v", again, failed, values, err)
	}
	if !reflect.DeepEqual([][]byte{c.Sender, c.Path, c.Interface, c.Member, c.Signature},
		[][]byte{own.Sender, own.Path, own.Interface, own.Member, own.Signature}) {
		t.Errorf("a copy of %+v is %+v", c, own)
	}
	if decoded, ok := validated(c.message); ok && !c.TooLong {
		if err != nil || !same(values, decoded.Body) {
			t.Errorf("the arguments are %v, %v, not %v", values, err, decoded.Body)
		}
		checkFields(t, c, decoded)
	}
	if raw, usual := c.RawArguments(); usual && (c.TooLong || c.message[0] != 'l' || len(raw) > maxCall) {
		t.Errorf("%d bytes of arguments are kept", len(raw))
	}
	c.Reply(func() Reply {
		if err != nil {
			return Failure("x.y.Error", string(c.Member))
		}
		return Reply{}
	})
}

// checkFields compares what is found in a header with what godbus finds there.
func checkFields(t *testing.T, c *Call, decoded *dbus.Message) {
	for field, text := range map[dbus.HeaderField][]byte{
		dbus.FieldPath: c.Path, dbus.FieldInterface: c.Interface, dbus.FieldMember: c.Member,
		dbus.FieldSender: c.Sender, dbus.FieldSignature: c.Signature,
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
}

// same takes no values and none of them for one, and knows that what is not a
// number is not equal to itself.
func same(a, b []any) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b) || fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// validated gives a message as godbus has it, if it is one that a bus would let
// through as far as godbus tells.
func validated(m message) (*dbus.Message, bool) {
	decoded, err := m.decode(nil)
	if err != nil {
		return nil, false
	}
	return decoded, decoded.EncodeTo(io.Discard, m.order()) == nil
}

// checkAnswers wants nothing but whole answers.
func checkAnswers(t *testing.T, answers *bytes.Buffer) {
	for answers.Len() > 0 {
		m, err := dbus.DecodeMessage(answers)
		if err != nil {
			t.Fatalf("an answer that nobody can read: %v", err)
		}
		if m.Type != dbus.TypeMethodReply && m.Type != dbus.TypeError || m.Serial() <= ownSerials {
			t.Errorf("this is no answer: %v", m)
		}
	}
}

// allocated counts all bytes of memory that have been asked for.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
