// SPDX-License-Identifier: Apache-2.0

// Package daemontest runs the real plexauthd as a box does: a process on a real
// private bus, with HTTPS to a simulated plex.tv, a state file and a service
// manager that it tells how it is.
package daemontest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// Patience bounds every wait; nothing is measured against it.
const Patience = time.Minute

// Box is a machine with a bus, a plex.tv and a directory for the state.
type Box struct {
	testing.TB
	Bus     *bustest.Bus
	Sim     *plextvsim.Sim
	Plex    *plextvsim.Server
	Dir     string
	State   string      // path of the state file
	Program string      // path of plexauthd
	Env     []string    // of plexauthd, in addition to this process's
	Printed Output      // by all processes
	Notes   chan string // what the newest process tells the service manager, one message each
	runs    int         // of plexauthd
}

// New gives a box on that bus, with program as its plexauthd, which does not run
// yet. All of it ends with the test.
func New(t testing.TB, program string, bus *bustest.Bus) *Box {
	t.Helper()
	dir, err := os.MkdirTemp("", "box") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sim := plextvsim.New(plextvsim.Options{})
	b := &Box{
		TB: t, Bus: bus, Sim: sim, Plex: sim.StartTLS(), Dir: dir, State: filepath.Join(dir, "state", "state.toml"),
		Program: program,
	}
	t.Cleanup(func() {
		b.Plex.Close()
		if t.Failed() {
			t.Logf("plexauthd has printed:\n%s", &b.Printed)
		}
	})
	b.Write("ca.pem", string(b.Plex.CAPEM()))
	b.Configure("")
	return b
}

// Path is where a file in the box's directory is.
func (b *Box) Path(name string) string { return filepath.Join(b.Dir, name) }

// Write writes a file in the box's directory and returns its path.
func (b *Box) Write(name, text string) (path string) {
	b.Helper()
	path = b.Path(name)
	Write(b, path, text)
	return path
}

// Configure writes the configuration file.
func (b *Box) Configure(text string) {
	b.Helper()
	b.Write("config.toml", text)
}

// Claim enters the code at plex.tv as the person who has that token, or as
// somebody new if it is empty.
func (b *Box) Claim(code, person string) {
	b.Helper()
	if person == "" {
		person = b.Sim.AddUser(plextvsim.User{})
	}
	if err := b.Sim.Claim(code, person); err != nil {
		b.Fatal(err)
	}
}

// SignIn pairs the box with somebody new and returns the token that it holds then.
func (b *Box) SignIn(f *Frontend) (token string) {
	b.Helper()
	return b.SignInAs(f, "")
}

// SignInAs is [Box.SignIn] as the person who has that token.
func (b *Box) SignInAs(f *Frontend, person string) (token string) {
	b.Helper()
	_, code := f.RequestPin()
	b.Claim(code, person)
	f.Await("AuthChanged")
	return f.Token()
}

// listen is the service manager's end of sd_notify(3), for one process: what an
// earlier one has said is not taken for what this one says. What nobody reads is
// lost in the end.
func (b *Box) listen() (socket string) {
	b.Helper()
	b.runs++
	socket = b.Path(fmt.Sprint("notify", b.runs))
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	notes := make(chan string, 1000)
	b.Notes = notes
	go func() {
		buf := make([]byte, 8192)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			select {
			case notes <- string(buf[:n]):
			default:
			}
		}
	}()
	return socket
}

// AwaitNote reads what the newest process tells the service manager until a message has text.
func (b *Box) AwaitNote(text string) (note string) {
	b.Helper()
	for {
		select {
		case note := <-b.Notes:
			if strings.Contains(note, text) {
				return note
			}
		case <-time.After(Patience):
			b.Fatalf("the service manager was not told %q; output:\n%s", text, &b.Printed)
		}
	}
}
