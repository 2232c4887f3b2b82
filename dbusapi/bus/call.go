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
	// HandleCall is called for one call after the other, by the goroutine that
	// reads the socket. It must not wait for a message on this connection. Nothing
	// more is read until it returns: other calls wait in the bus. c is valid until
	// HandleCall returns.
	HandleCall(c *Call)
}

// Call is one method call. Its texts are as they were sent, nil where missing.
type Call struct {
	Sender, Path, Interface, Member, Signature []byte

	// TooLong means that the arguments were too long to be read.
	TooLong bool

	message message
	values  []any // the arguments, if message has none any more
	out     *outbox
	batched bool // more calls may follow, to be answered together
}

// Clone returns a copy that stays valid. It has the arguments either as they were
// sent or decoded, not both, because they can be long.
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

// Size returns the size of the call in bytes.
func (c *Call) Size() int { return len(c.message) }

func (c *Call) replyExpected() bool { return c.message.flags()&dbus.FlagNoReplyExpected == 0 }

// Interactive reports whether the caller allows the person at the screen to be
// asked, however long that takes.
func (c *Call) Interactive() bool {
	return c.message.flags()&dbus.FlagAllowInteractiveAuthorization != 0
}

// RawArguments returns the arguments as they were sent, if in little-endian byte
// order: in one byte order, the same arguments are the same bytes.
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

// Reply sends what compute returns, unless the caller expects no reply. No other
// message is sent while compute runs, so that a reply reflects every change that
// was signalled before it. It blocks while the bus takes nothing. Call it once,
// from any goroutine.
func (c *Call) Reply(compute func() Reply) { c.out.reply(c, compute) }

// Reply is what a call is answered with, ready to be sent any number of times.
type Reply struct {
	errorName string // "" is no error
	signature string
	body      []byte
}

// Values returns the reply with those results. It fails for values that D-Bus
// cannot carry.
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

// Failure returns the reply with that D-Bus error and message. What D-Bus cannot
// carry is left out of the message.
func Failure(name, text string) Reply {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	return Reply{errorName: name, signature: "s", body: append(append(body, text...), 0)}
}

// Failed tells whether the reply is an error.
func (r Reply) Failed() bool { return r.errorName != "" }
