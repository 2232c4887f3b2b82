// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/binary"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// flooder is a client on the bus that may leave answers unread.
type flooder struct {
	b       *box
	socket  *bustest.Raw
	serial  uint32
	signals int // that came before answers
}

func (b *box) flooder() *flooder {
	b.Helper()
	return &flooder{b: b, socket: b.Bus.Raw(b)}
}

func (f *flooder) write(data []byte) {
	f.b.Helper()
	if _, err := f.socket.Write(data); err != nil {
		f.b.Fatal(err)
	}
}

// request is a call as it travels.
func (b *box) request(to, method string, flags dbus.Flags, args ...any) []byte {
	raw := bustest.Call(to, method, args...)
	raw[2] = byte(flags)
	return raw
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
	raw, err := f.socket.Next()
	if err != nil {
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
