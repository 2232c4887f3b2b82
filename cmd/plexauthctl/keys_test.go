// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestKeysAtATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.process("login")
	s.await("Waiting, ")
	daemontest.Resize(t, s.terminal, 80, 20)
	s.await("needs a terminal")
	s.types("\x1a\x1cabc") // Ctrl-Z, Ctrl-\ and what nobody asked for
	s.await("Waiting, 4:5")
	if strings.Contains(s.text, "abc") {
		t.Error("what is typed is shown")
	}
	s.types("\x03")
	s.ends(exitFailed, "", "plexauthctl: cancelled\n")
	if state := p.state().State; state != client.SignedOut {
		t.Errorf("the state afterwards is %s", state)
	}
}

// A second Ctrl-C, because nothing happens, gives the terminal back.
func TestCtrlCTwice(t *testing.T) {
	p := withTerminal(t)
	s := p.process("login")
	s.await("Waiting, ")
	p.freezeBus()
	s.types("\x03")
	for !strings.Contains(s.text, leaveScreen) {
		s.text += <-s.pieces
	}
	awaitEcho(t, s.line, true)
	for status := 0; status == 0; { // a signal may come before the first has been handled
		s.types("\x03")
		select {
		case status = <-s.status:
		case <-time.After(50 * time.Millisecond):
		}
		if status > 0 {
			t.Errorf("exit status %d: it has not ended by the signal: %s", status, &s.stderr)
		}
	}
	if s.termios() != s.before {
		t.Error("the terminal is not as it was")
	}
}

// freezeBus has the bus do nothing until the test ends.
func (p *person) freezeBus() {
	p.t.Helper()
	_, path, _ := strings.Cut(p.Bus.Address, "unix:path=")
	path, _, _ = strings.Cut(path, ",")
	conn, err := net.Dial("unix", path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	bus, err := unix.GetsockoptUcred(int(file.Fd()), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(int(bus.Pid), syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = syscall.Kill(int(bus.Pid), syscall.SIGCONT) })
}
