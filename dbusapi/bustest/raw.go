// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Call is a call of a method of plexauthd's object, or of any other there, as it
// travels, with the serial number 1.
func Call(to, method string, args ...any) []byte {
	raw, _ := Encode(message(dbus.TypeMethodCall, to, names.Path, method, args))
	return raw
}

// CallWith is [Call] with arguments that are encoded already, and may be nonsense.
func CallWith(to, method, signature string, arguments []byte) []byte {
	return EncodeWith(message(dbus.TypeMethodCall, to, names.Path, method, nil), signature, arguments)
}

// Signal is a signal to one connection, or to all that subscribe if to is empty.
func Signal(to string, path dbus.ObjectPath, signal string, args ...any) *dbus.Message {
	return message(dbus.TypeSignal, to, path, signal, args)
}

func message(kind dbus.Type, to string, path dbus.ObjectPath, member string, args []any) *dbus.Message {
	dot := strings.LastIndex(member, ".")
	m := &dbus.Message{Type: kind, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath:      dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(member[:dot]),
		dbus.FieldMember:    dbus.MakeVariant(member[dot+1:]),
		dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(args...)),
	}}
	if to != "" {
		m.Headers[dbus.FieldDestination] = dbus.MakeVariant(to)
	}
	return m
}

// EncodeWith is [Encode] of a message with arguments that are encoded already.
func EncodeWith(m *dbus.Message, signature string, arguments []byte) []byte {
	m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.ParseSignatureMust(signature))
	raw, _ := Encode(m)
	binary.LittleEndian.PutUint32(raw[4:], uint32(len(arguments)))
	return append(raw, arguments...)
}

// Path is where the socket of the bus is.
func (b *Bus) Path() string {
	path, _, _ := strings.Cut(strings.TrimPrefix(b.Address, "unix:path="), ",")
	return path
}

// Raw is a connection on which a test writes and reads each message itself.
type Raw struct {
	net.Conn
	In *bufio.Reader // what the bus sends
}

// Raw connects to the bus as the user that runs the test, for a minute at most.
func (b *Bus) Raw(t testing.TB) *Raw {
	t.Helper()
	socket, err := net.Dial("unix", b.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	if err := socket.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	r := &Raw{socket, bufio.NewReader(socket)}
	greeting := fmt.Appendf(nil, "\x00AUTH EXTERNAL %x\r\nBEGIN\r\n", strconv.Itoa(os.Getuid()))
	if _, err := r.Write(append(greeting, Call(names.DBus, names.DBus+".Hello")...)); err != nil {
		t.Fatal(err)
	}
	if line, err := r.In.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK") {
		t.Fatalf("the bus says %q: %v", line, err)
	}
	if err := r.Skip(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Next reads the next message.
func (r *Raw) Next() ([]byte, error) {
	size, err := r.size()
	if err != nil {
		return nil, err
	}
	message := make([]byte, size)
	_, err = io.ReadFull(r.In, message)
	return message, err
}

// Skip reads up to the answer to a call, which must not be an error, and allocates
// nothing.
func (r *Raw) Skip() error {
	for {
		size, err := r.size()
		if err != nil {
			return err
		}
		head, _ := r.In.Peek(headSize)
		kind := dbus.Type(head[1])
		if _, err := r.In.Discard(size); err != nil || kind == dbus.TypeMethodReply {
			return err
		}
		if kind == dbus.TypeError {
			return errors.New("an error is the answer")
		}
	}
}

// headSize is how much of a message tells how long it is.
const headSize = 16

func (r *Raw) size() (int, error) {
	head, err := r.In.Peek(headSize)
	if err != nil {
		return 0, err
	}
	fields := (binary.LittleEndian.Uint32(head[12:]) + 7) &^ 7
	return headSize + int(fields+binary.LittleEndian.Uint32(head[4:])), nil
}
