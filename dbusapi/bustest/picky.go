// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// Picky opens another address for a bus, which disconnects a client that asks about
// somebody and has not negotiated descriptors, as dbus-broker 34 and newer does.
// Unless it is pleased, it does so to everybody who asks. It cannot be restarted.
func Picky(t testing.TB, behind *Bus, pleased bool) *Bus {
	t.Helper()
	return through(t, behind, func(bus, caller net.Conn) (io.Writer, io.Writer) {
		return &pickyWriter{Conn: bus, pleased: pleased}, caller
	})
}

// Gated opens another address for a bus, whose writes to callers pass through say.
func Gated(t testing.TB, behind *Bus, say func(caller io.Writer, p []byte) (int, error)) *Bus {
	t.Helper()
	return through(t, behind, func(bus, caller net.Conn) (io.Writer, io.Writer) {
		return bus, writerFunc(func(p []byte) (int, error) { return say(caller, p) })
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// through opens another address for a bus. writers gives, for each connection, what
// the two ends are written to with.
func through(t testing.TB, behind *Bus, writers func(bus, caller net.Conn) (toBus, toCaller io.Writer)) *Bus {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			bus, err := net.Dial("unix", behind.Path())
			if err != nil {
				_ = caller.Close()
				continue
			}
			toBus, toCaller := writers(bus, caller)
			go func() { _, _ = io.Copy(toBus, caller); _ = bus.Close() }()
			go func() { _, _ = io.Copy(toCaller, bus); _ = caller.Close() }()
		}
	}()
	return &Bus{Address: "unix:path=" + socket, t: t, stop: behind.Stop}
}

// pickyWriter looks at what is said on one connection.
type pickyWriter struct {
	net.Conn
	pleased    bool
	negotiated bool
}

func (w *pickyWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("NEGOTIATE_UNIX_FD\r\n")) {
		w.negotiated = w.pleased
	}
	const member = "\x18\x00\x00\x00GetConnectionCredentials\x00" // in a header, not in an error's text
	if bytes.Contains(p, []byte(member)) && !w.negotiated {
		_ = w.Conn.Close()
		return 0, io.ErrClosedPipe
	}
	return w.Conn.Write(p)
}
