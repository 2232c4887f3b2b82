// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// ErrNameTaken says that a name on the bus has another owner.
var ErrNameTaken = errors.New("another process has it")

// NameError says why a name on the bus could not be taken.
type NameError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *NameError) Error() string { return "taking the bus name " + e.Name + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *NameError) Unwrap() error { return e.Err }

// greet authenticates, says Hello and takes the name own, unless it is empty. It
// reads the socket itself, so nobody else may do so yet, and handles the calls that
// come before the name is known to be ours.
//
// godbus needs five questions for this, one after the other, and has the goroutine
// that asks wait for another one that reads. Here they are one, as in sd-bus.
func (w *wire) greet(own string) error {
	hello, request, err := w.introduce(own)
	if err == nil {
		err = w.authenticated()
	}
	if err != nil {
		return err
	}
	if _, err := w.answer(hello); err != nil || own == "" {
		return err
	}
	m, err := w.answer(request)
	if err != nil {
		return &NameError{own, err}
	}
	if body := m[m.bodyAt():]; len(body) != 4 || m.order().Uint32(body) != uint32(dbus.RequestNameReplyPrimaryOwner) {
		return &NameError{own, ErrNameTaken}
	}
	return nil
}

// introduce sends all of it: the lines by which the bus asks the kernel who we are,
// and passes descriptors to an [Asker], and the first calls. It returns their serials,
// the second of which has a meaning if there is a name to take.
func (w *wire) introduce(own string) (hello, request uint32, err error) {
	o := w.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = append(o.pending, "\x00AUTH EXTERNAL\r\nDATA\r\n"...)
	if w.questions != nil {
		o.pending = append(o.pending, "NEGOTIATE_UNIX_FD\r\n"...)
	}
	o.pending = append(o.pending, "BEGIN\r\n"...)
	hello = o.askBus("Hello", "", nil)
	if own != "" {
		name := append(binary.LittleEndian.AppendUint32(nil, uint32(len(own))), own...)
		flags := (len(name) + 1 + 3) &^ 3 // after a zero byte, and aligned
		name = append(name, make([]byte, flags-len(name))...)
		request = o.askBus("RequestName", "su", binary.LittleEndian.AppendUint32(name, uint32(dbus.NameFlagDoNotQueue)))
	}
	return hello, request, o.send()
}

// authenticated reads the lines of authentication. A bus that passes no descriptors says
// ERROR, and works without.
func (w *wire) authenticated() error {
	for _, want := range []string{"DATA", "OK "} {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("authenticating: %w", err)
		}
		if !strings.HasPrefix(string(line), want) {
			return fmt.Errorf("authenticating: the bus says %q", line)
		}
	}
	if w.questions == nil {
		return nil
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("negotiating descriptors: %w", err)
	}
	w.questions.agreed = string(line) == "AGREE_UNIX_FD\r\n"
	return nil
}

// answer reads up to the answer to a call of ours.
func (w *wire) answer(serial uint32) (message, error) {
	for {
		m, whole, err := w.next()
		if err != nil {
			return nil, err
		}
		f, _ := m.fields()
		switch {
		case m.kind() == dbus.TypeMethodCall && w.handler != nil:
			w.handle(m, whole)
		case f.replyTo == serial && m.kind() == dbus.TypeError:
			text, _ := m.plainValues(f.signature)
			return nil, dbus.Error{Name: string(f.errorName), Body: text}
		case f.replyTo == serial:
			return m, nil
		}
	}
}

// welcome is what the bus says to godbus, which begins to read messages after it:
// we have been greeted already.
const welcome = "REJECTED EXTERNAL\r\nOK 0\r\n"
