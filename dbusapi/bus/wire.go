// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// wire is a connection to the bus that passes on only what godbus can handle.
//
// godbus closes the connection at a message that it cannot decode, and some that it
// cannot decode are valid: any sender of one would end the program. And godbus
// negotiates file descriptors on connections that can carry them, but never closes
// those that come with a call: callers could exhaust the daemon's limit. Here only
// an [Asker] negotiates them.
//
// Calls are answered here, before godbus. godbus starts a goroutine for every call
// as fast as the bus delivers them and cannot be made to read more slowly, so the
// calls of a client that reads no answers would pile up in memory.
type wire struct {
	socket  io.ReadWriteCloser
	in      *bufio.Reader
	out     *outbox
	handler Handler         // nil: calls are for godbus
	welcome *strings.Reader // what godbus reads before messages; nil: it asks the bus itself
	begun   bool            // messages follow
	buffer  []byte          // for the current message
	call    Call            // the current message, if it is one
	rest    []byte          // of the message that is being handed on

	questions *questions // nil: no descriptors come and go
}

// The longest messages that are read. A call holds no more than a token and some
// names; other messages are answers to our own questions.
const (
	maxCall  = 32 << 10
	maxOther = 1 << 20
)

// bufferSize is for a hundred calls or so at a time.
const bufferSize = 16 << 10

func newWire(socket io.ReadWriteCloser, handler Handler) *wire {
	w := &wire{socket: socket, out: &outbox{socket: socket}, handler: handler}
	w.in = bufio.NewReaderSize(flushingReader{w}, bufferSize)
	return w
}

// newAskingWire is the one of an [Asker].
func newAskingWire(s socket, handler Handler) *wire {
	p := &passing{socket: s}
	w := newWire(p, handler)
	w.questions = newQuestions(p)
	return w
}

// flushingReader flushes the outbox before it waits for input.
type flushingReader struct{ *wire }

func (r flushingReader) Read(p []byte) (int, error) {
	if err := r.out.flush(); err != nil {
		return 0, err
	}
	return r.socket.Read(p)
}

// Write implements [io.Writer]. In the D-Bus protocol BEGIN is the last line before
// messages; godbus writes it alone, and reads on only after it. If greet has told the
// bus all of that, it is not sent again.
func (w *wire) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = string(p) == "BEGIN\r\n"
		if w.welcome != nil {
			return len(p), nil
		}
	}
	return w.out.Write(p)
}

// Close implements [io.Closer].
func (w *wire) Close() error { return w.socket.Close() }

// Read implements [io.Reader].
func (w *wire) Read(p []byte) (int, error) {
	switch {
	case w.begun:
	case w.welcome != nil:
		return w.welcome.Read(p)
	default:
		return w.in.Read(p)
	}
	for len(w.rest) == 0 {
		m, whole, err := w.next()
		fds := w.descriptors(err)
		if err != nil {
			closeAll(fds)
			return 0, err
		}
		switch {
		case w.questions != nil && w.questions.settle(m, whole, fds):
		case w.handler != nil && m.kind() == dbus.TypeMethodCall:
			w.handle(m, whole)
		case whole && !w.unsolicited(m) && m.decodable():
			w.rest = m
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// next reads a message into the buffer. Of one that is too long it reads the header
// only, up to the limit.
func (w *wire) next() (m message, whole bool, err error) {
	head, err := w.in.Peek(headLength)
	if err != nil {
		return nil, false, err
	}
	m = head
	size, limit := m.size(), int64(maxOther)
	if size > maxMessage {
		return nil, false, errors.New("the bus has sent a message longer than 128 MiB")
	}
	if w.handler != nil && m.kind() == dbus.TypeMethodCall {
		limit = maxCall
	}
	length := size
	if whole = size <= limit; !whole {
		length = min(m.bodyAt(), limit)
	}
	if int64(cap(w.buffer)) < length || cap(w.buffer) > maxCall {
		w.buffer = make([]byte, max(length, bufferSize))
	}
	m = w.buffer[:length]
	if _, err := io.ReadFull(w.in, m); err != nil {
		return nil, false, err
	}
	_, err = w.in.Discard(int(size - length))
	return m, whole, err
}

// descriptors takes the descriptors that came with what has been read, or after an
// error, all that came.
func (w *wire) descriptors(err error) []int {
	if w.questions == nil {
		return nil
	}
	p := w.questions.socket
	if err != nil {
		return p.take(p.received)
	}
	return p.take(p.received - int64(w.in.Buffered()))
}

func (w *wire) handle(m message, whole bool) {
	if f, ok := m.fields(); ok {
		w.call = Call{
			Sender: f.sender, Path: f.path, Interface: f.iface, Member: f.member, Signature: f.signature,
			TooLong: !whole, message: m, out: w.out, batched: true,
		}
		w.handler.HandleCall(&w.call)
	}
}

// unsolicited reports whether m is a unicast signal that is not from the bus. A program
// that answers calls listens to broadcasts and to the bus only, and should not
// spend time decoding anything else.
func (w *wire) unsolicited(m message) bool {
	if w.handler == nil || m.kind() != dbus.TypeSignal {
		return false
	}
	f, ok := m.fields()
	return !ok || (f.destination != nil && string(f.sender) != names.DBus)
}

func (m message) decodable() bool {
	_, err := m.decode(nil)
	return err == nil
}

// decode decodes the message with godbus, with the descriptors in it.
func (m message) decode(fds []int) (decoded *dbus.Message, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("godbus cannot decode this message")
		}
	}()
	return dbus.DecodeMessageWithFDs(bytes.NewReader(m), fds)
}
