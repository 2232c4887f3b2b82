// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Handler answers the method calls that come to a connection.
type Handler interface {
	// HandleCall gets one call after the other, from the goroutine that reads
	// the socket. It must not wait for what comes by this connection. As long as
	// it has not returned nothing more is read: the bus keeps the calls, and
	// holds its callers back. c is good until HandleCall returns.
	HandleCall(c *Call)
}

// Call is one method call. Its texts are as they were sent, nil where missing.
type Call struct {
	Sender, Path, Interface, Member, Signature []byte

	// TooLong tells that the arguments were too long to be taken in.
	TooLong bool

	message message
	values  []any // the arguments, if message has none any more
	out     *outbox
	batched bool // more calls may be at hand, to be answered together
}

// Clone gives a copy that is good for any time. It has the arguments either as
// they were sent or decoded, as they can be long.
func (c *Call) Clone() *Call {
	own := *c
	own.batched = false
	head := c.message
	if values, ok := c.message.plainValues(c.Signature); ok && len(values) > 0 && !c.TooLong {
		own.values, head = values, head[:head.bodyAt()]
	}
	own.message = bytes.Clone(head)
	f, _ := own.message.fields()
	own.Sender, own.Path, own.Interface, own.Member, own.Signature = f.sender, f.path, f.iface, f.member, f.signature
	return &own
}

// Size gives the bytes that the call takes up.
func (c *Call) Size() int { return len(c.message) }

func (c *Call) replyExpected() bool { return c.message.flags()&dbus.FlagNoReplyExpected == 0 }

// Interactive tells whether the caller allows a question to the person at the
// screen, whatever time that takes.
func (c *Call) Interactive() bool {
	return c.message.flags()&dbus.FlagAllowInteractiveAuthorization != 0
}

// RawArguments gives the arguments as they were sent, if that is the way in
// which the same arguments are always sent. There are two: see the D-Bus
// specification about the byte order.
func (c *Call) RawArguments() (raw []byte, usual bool) {
	if c.TooLong || c.values != nil || c.message[0] != 'l' {
		return nil, false
	}
	return c.message[c.message.bodyAt():], true
}

// Arguments decodes the arguments. It fails where godbus cannot.
func (c *Call) Arguments() ([]any, error) {
	if c.TooLong {
		return nil, errors.New("the arguments are too long")
	}
	if c.values != nil {
		return c.values, nil
	}
	if values, ok := c.message.plainValues(c.Signature); ok {
		return values, nil
	}
	decoded, err := c.message.decode(nil)
	if err != nil {
		return nil, err
	}
	return decoded.Body, nil
}

// Reply sends what compute gives, unless the caller expects no reply. No other
// message is sent while compute runs: whoever hears of a change before a reply
// has a reply that knows of it. It may wait for the bus to take the reply, and
// be called once, by any goroutine.
func (c *Call) Reply(compute func() Reply) { c.out.reply(c, compute) }

// Reply is what a call is answered with, ready to be sent any number of times.
type Reply struct {
	errorName string // "" is no error
	signature string
	body      []byte
}

// Values makes the reply that gives values to the caller. It fails for values
// that D-Bus cannot carry.
func Values(values ...any) (Reply, error) {
	if len(values) == 0 {
		return Reply{}, nil
	}
	signature := dbus.SignatureOf(values...)
	// godbus encodes whole messages; the body is at a place that suits any other.
	var encoded bytes.Buffer
	err := (&dbus.Message{Type: dbus.TypeMethodReply, Body: values, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(1)),
		dbus.FieldSignature:   dbus.MakeVariant(signature),
	}}).EncodeTo(&encoded, binary.LittleEndian)
	if err != nil {
		return Reply{}, err
	}
	m := message(encoded.Bytes())
	return Reply{signature: signature.String(), body: bytes.Clone(m[m.bodyAt():])}, nil
}

// Failure makes the reply that is an error of that D-Bus name, with a text for
// people. What D-Bus cannot carry is left out of it.
func Failure(name, text string) Reply {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	return Reply{errorName: name, signature: "s", body: append(append(body, text...), 0)}
}

// Failed tells whether the reply is an error.
func (r Reply) Failed() bool { return r.errorName != "" }
