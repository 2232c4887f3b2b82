// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Asker is a connection for calls to others, which may carry file descriptors, as
// may their answers. dbus-broker disconnects a client that asks about a process but
// has not negotiated descriptors.
type Asker struct {
	*dbus.Conn
	wire *wire
}

// Ask opens an [Asker]. Calls that come in go to handler.
func Ask(name string, handler Handler, opts ...dbus.ConnOption) (*Asker, error) {
	over := func(s socket) *wire { return newAskingWire(s, handler) }
	conn, w, err := connect(context.Background(), name, "", over, join, opts)
	if err != nil {
		return nil, err
	}
	return &Asker{conn, w}, nil
}

// Ask calls a method and waits for what it returns. Each [dbus.UnixFD] in args
// goes along and stays open. Descriptors that come back are closed.
func (a *Asker) Ask(ctx context.Context, to string, path dbus.ObjectPath, iface, member string, args ...any) (body []any, err error) {
	err = a.AskFor(ctx, func(answer []any) error {
		body = answer
		return nil
	}, to, path, iface, member, args...)
	return body, err
}

// AskFor is Ask for an answer with descriptors. They are open until read, which
// gets the answer, returns; see [Keep].
func (a *Asker) AskFor(ctx context.Context, read func(answer []any) error, to string, path dbus.ObjectPath, iface, member string, args ...any) error {
	m := &dbus.Message{Type: dbus.TypeMethodCall, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(path),
		dbus.FieldInterface:   dbus.MakeVariant(iface),
		dbus.FieldMember:      dbus.MakeVariant(member),
	}}
	if len(args) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
	}
	serial, answers, err := a.wire.ask(m)
	if err != nil {
		return fmt.Errorf("calling %s: %w", member, err)
	}
	defer a.wire.questions.drop(serial, answers)
	select {
	case answer := <-answers:
		defer closeAll(answer.fds)
		if answer.unreadable != nil {
			return fmt.Errorf("calling %s: %w", member, answer.unreadable)
		}
		if answer.Type == dbus.TypeError {
			name, _ := answer.Headers[dbus.FieldErrorName].Value().(string)
			return dbus.Error{Name: name, Body: answer.Body}
		}
		return read(answer.Body)
	case <-a.Context().Done():
		return fmt.Errorf("calling %s: the bus has ended the connection", member)
	case <-ctx.Done():
		return fmt.Errorf("calling %s: %w", member, ctx.Err())
	}
}

// Keep duplicates a descriptor of an answer.
func Keep(fd dbus.UnixFD, name string) (*os.File, error) {
	own, err := duplicate(int(fd))
	if err != nil {
		return nil, fmt.Errorf("duplicating the descriptor of the %s: %w", name, err)
	}
	return os.NewFile(uintptr(own), name), nil
}

// questions are the calls of an [Asker] that have not been answered.
type questions struct {
	socket *passing
	agreed bool // the bus passes descriptors

	mu   sync.Mutex
	open map[uint32]chan<- answer // by number, with room for the one answer
}

// answer is a message and the descriptors in it, or why there is no message.
type answer struct {
	*dbus.Message
	fds        []int
	unreadable error
}

func newQuestions(s *passing) *questions {
	return &questions{socket: s, open: map[uint32]chan<- answer{}}
}

// ask sends a question. The answer to it comes on the channel.
func (w *wire) ask(m *dbus.Message) (serial uint32, answers <-chan answer, err error) {
	count, err := m.CountFds()
	if err != nil {
		return 0, nil, err
	}
	if count > 0 {
		if !w.questions.agreed {
			return 0, nil, errors.New("the bus passes no descriptors")
		}
		m.Headers[dbus.FieldUnixFDs] = dbus.MakeVariant(uint32(count))
	}
	var raw bytes.Buffer
	fds, err := m.EncodeToWithFDs(&raw, binary.LittleEndian)
	if err != nil {
		return 0, nil, err
	}
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	serial = w.out.nextSerial()
	binary.LittleEndian.PutUint32(raw.Bytes()[serialAt:], serial)
	answers = w.questions.add(serial)
	if err = w.out.send(); err == nil {
		err = w.questions.socket.pass(raw.Bytes(), fds)
	}
	if err != nil {
		w.questions.drop(serial, answers)
	}
	return serial, answers, err
}

func (q *questions) add(serial uint32) <-chan answer {
	answers := make(chan answer, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open[serial] = answers
	return answers
}

// drop forgets a question, and closes the descriptors of an answer that was not
// read.
func (q *questions) drop(serial uint32, answers <-chan answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, serial)
	select {
	case unread := <-answers:
		closeAll(unread.fds)
	default:
	}
}

var errTooLong = errors.New("the answer is longer than 1 MiB")

// settle delivers m if it answers a question. The descriptors of any other message
// are closed.
func (q *questions) settle(m message, whole bool, fds []int) (settled bool) {
	f, ok := m.fields()
	answers := m.kind() == dbus.TypeMethodReply || m.kind() == dbus.TypeError
	if !ok || !answers || f.replyTo <= ownSerials {
		closeAll(fds)
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	asked := q.open[f.replyTo]
	delete(q.open, f.replyTo)
	if asked == nil {
		closeAll(fds)
		return true
	}
	given := answer{fds: fds, unreadable: errTooLong}
	if whole {
		given.Message, given.unreadable = m.decode(fds)
	}
	asked <- given
	return true
}
