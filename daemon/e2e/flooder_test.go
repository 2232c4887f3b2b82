// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// flooder is a client on the bus that may leave answers unread.
type flooder struct {
	b       *box
	socket  net.Conn
	in      *bufio.Reader
	serial  uint32
	signals int // that came before answers
}

func (b *box) flooder() *flooder {
	b.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(b.Bus.Address, "unix:path="), ",")
	socket, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = socket.Close() })
	if err := socket.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		b.Fatal(err)
	}
	f := &flooder{b: b, socket: socket, in: bufio.NewReader(socket)}
	f.write([]byte("\x00AUTH EXTERNAL " + hex.EncodeToString([]byte(strconv.Itoa(os.Getuid()))) + "\r\n"))
	if line, err := f.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK") {
		b.Fatalf("the bus says %q: %v", line, err)
	}
	f.write([]byte("BEGIN\r\n"))
	f.flood(b.request(theBus, theBus+".Hello", 0), 1)
	f.answers(1)
	return f
}

func (f *flooder) write(data []byte) {
	f.b.Helper()
	if _, err := f.socket.Write(data); err != nil {
		f.b.Fatal(err)
	}
}

// request is a call as it travels.
func (b *box) request(to, method string, flags dbus.Flags, args ...any) []byte {
	b.Helper()
	dot := strings.LastIndex(method, ".")
	path := map[bool]dbus.ObjectPath{true: names.Path, false: "/org/freedesktop/DBus"}[to == names.Bus]
	var raw bytes.Buffer
	err := (&dbus.Message{Type: dbus.TypeMethodCall, Flags: flags, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(path),
		dbus.FieldInterface:   dbus.MakeVariant(method[:dot]),
		dbus.FieldMember:      dbus.MakeVariant(method[dot+1:]),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(args...)),
	}}).EncodeTo(&raw, binary.LittleEndian)
	if err != nil {
		b.Fatal(err)
	}
	return raw.Bytes()
}

// flood sends the same call many times, as fast as the bus takes it.
func (f *flooder) flood(request []byte, calls int) {
	f.b.Helper()
	var batch []byte
	for n := range calls {
		f.serial++
		binary.LittleEndian.PutUint32(request[8:], f.serial)
		if batch = append(batch, request...); len(batch) > 32<<10 || n == calls-1 {
			f.write(batch)
			batch = batch[:0]
		}
	}
}

// answers reads that many answers, and counts them by the name of the error,
// "" for none.
func (f *flooder) answers(calls int) map[string]int {
	f.b.Helper()
	counted := map[string]int{}
	for range calls {
		counted[f.answer()]++
	}
	return counted
}

// answer reads the next answer and gives the name of the error.
func (f *flooder) answer() string {
	f.b.Helper()
	for {
		raw := f.read()
		switch dbus.Type(raw[1]) {
		case dbus.TypeSignal:
			f.signals++
		case dbus.TypeMethodReply:
			return ""
		case dbus.TypeError:
			return failureOf(f.decode(raw))
		}
	}
}

// read reads the next message.
func (f *flooder) read() []byte {
	f.b.Helper()
	raw := make([]byte, 16)
	if _, err := io.ReadFull(f.in, raw); err != nil {
		f.b.Fatal(err)
	}
	fields := int(binary.LittleEndian.Uint32(raw[12:])+7) &^ 7
	raw = append(raw, make([]byte, fields+int(binary.LittleEndian.Uint32(raw[4:])))...)
	if _, err := io.ReadFull(f.in, raw[16:]); err != nil {
		f.b.Fatal(err)
	}
	return raw
}

func (f *flooder) decode(raw []byte) *dbus.Message {
	f.b.Helper()
	m, err := dbus.DecodeMessage(bytes.NewReader(raw))
	if err != nil {
		f.b.Fatal(err)
	}
	return m
}

// failureOf is "" for a message that is no error.
func failureOf(m *dbus.Message) string {
	name, _ := m.Headers[dbus.FieldErrorName].Value().(string)
	return name
}

// subscribe has the bus send it all signals of the daemon.
func (f *flooder) subscribe() {
	f.b.Helper()
	f.flood(f.b.request(theBus, theBus+".AddMatch", 0, "type='signal',sender='"+names.Bus+"'"), 1)
	f.answers(1)
	f.signals = 0 // the bus has told it its name
}
