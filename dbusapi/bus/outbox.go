// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"encoding/binary"
	"io"
	"runtime"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// outbox sends messages in order, and in batches where they are many. While the bus
// does not take them, adding more blocks.
type outbox struct {
	socket io.Writer

	turn    sync.Mutex // replies from other goroutines take turns, so that the reader waits for few of them
	mu      sync.Mutex
	pending []byte
	flusher bool // a goroutine is about to flush what is pending
	serial  uint32
}

// A batch is sent when it is this long; the buffer of one that has become much
// longer is not kept.
const (
	fullBatch  = 16 << 10
	keptBuffer = 64 << 10
)

// Write implements [io.Writer] for messages of godbus.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = append(o.pending, p...)
	if err := o.send(); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.send()
}

// send needs o.mu.
func (o *outbox) send() error {
	o.flusher = false
	if len(o.pending) == 0 {
		return nil
	}
	_, err := o.socket.Write(o.pending)
	if o.pending = o.pending[:0]; cap(o.pending) > keptBuffer {
		o.pending = nil
	}
	return err
}

// reply adds the reply to a call and sends it, or leaves it to the next flush.
// Messages that others add in the meantime are sent after it.
func (o *outbox) reply(c *Call, compute func() Reply) {
	if c.batched {
		o.compose(c, compute)
		return
	}
	o.turn.Lock()
	first := o.compose(c, compute)
	o.turn.Unlock()
	if first {
		runtime.Gosched() // calls that waited for the same save add their replies to the batch
		_ = o.flush()     // the reader finds out that the bus has gone
	}
}

// compose adds the reply to a call, and sends the batch if it is full. first tells the
// caller to flush, as nobody else is about to.
func (o *outbox) compose(c *Call, compute func() Reply) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := compute()
	if !c.replyExpected() {
		return false
	}
	o.add(c, r)
	if len(o.pending) >= fullBatch {
		_ = o.send()
		return false
	}
	first = !c.batched && !o.flusher
	o.flusher = o.flusher || first
	return first
}

// ownSerials is where the serials of replies, to which nothing refers, and of
// questions begin. Those of godbus begin at 1.
const ownSerials = 1 << 31

// nextSerial needs o.mu.
func (o *outbox) nextSerial() uint32 {
	o.serial = o.serial%(ownSerials-1) + 1
	return ownSerials + o.serial
}

// add needs o.mu.
func (o *outbox) add(c *Call, r Reply) {
	start := len(o.pending)
	kind := dbus.TypeMethodReply
	if r.errorName != "" {
		kind = dbus.TypeError
	}
	b, _ := o.head(kind, dbus.FlagNoReplyExpected, r.body)
	b = append(b, byte(dbus.FieldReplySerial), 1, 'u', 0)
	b = binary.LittleEndian.AppendUint32(b, c.message.serial())
	b = addField(b, start, dbus.FieldDestination, 's', c.Sender)
	b = addField(b, start, dbus.FieldErrorName, 's', r.errorName)
	o.finish(b, r.signature, r.body)
}

// askBus adds a call of a member of the bus itself. It needs o.mu.
func (o *outbox) askBus(member, signature string, body []byte) (serial uint32) {
	start := len(o.pending)
	b, serial := o.head(dbus.TypeMethodCall, 0, body)
	b = addField(b, start, dbus.FieldPath, 'o', names.DBusPath)
	b = addField(b, start, dbus.FieldDestination, 's', names.DBus)
	b = addField(b, start, dbus.FieldInterface, 's', names.DBus)
	b = addField(b, start, dbus.FieldMember, 's', member)
	o.finish(b, signature, body)
	return serial
}

// head is what is pending, and the fixed part of the header of another message.
func (o *outbox) head(kind dbus.Type, flags dbus.Flags, body []byte) (b []byte, serial uint32) {
	serial = o.nextSerial()
	b = append(o.pending, 'l', byte(kind), byte(flags), 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, serial)
	return append(b, 0, 0, 0, 0), serial // the length of the fields
}

// finish adds to b, which is what is pending and the fields of another message, all
// that the message still lacks, and makes it pending.
func (o *outbox) finish(b []byte, signature string, body []byte) {
	start := len(o.pending)
	if signature != "" {
		b = pad(b, start)
		b = append(b, byte(dbus.FieldSignature), 1, 'g', 0, byte(len(signature)))
		b = append(append(b, signature...), 0)
	}
	binary.LittleEndian.PutUint32(b[start+fieldsLengthAt:], uint32(len(b)-start-headLength))
	o.pending = append(pad(b, start), body...)
}

// addField adds a text to the header of the message that begins at start.
func addField[text string | []byte](b []byte, start int, field dbus.HeaderField, kind byte, value text) []byte {
	if len(value) == 0 {
		return b
	}
	b = append(pad(b, start), byte(field), 1, kind, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
	return append(append(b, value...), 0)
}

// pad adds zeros up to where header fields and the body may begin.
func pad(b []byte, start int) []byte {
	const zeros = "\x00\x00\x00\x00\x00\x00\x00"
	return append(b, zeros[:-(len(b)-start)&7]...)
}
