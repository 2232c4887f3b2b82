// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestSilentBus(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	p := newPerson(t)
	clock := clockwork.NewFakeClock()
	p.clock = clock
	r := p.begin("status", "--bus", "unix:path="+socket)
	if err := clock.BlockUntilContext(p.bounded(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(memoryTimeout)
	r.ends(exitFailed, "no answer in time")
}

// mute has the daemon's name and answers nothing.
type mute chan struct{}

func (m mute) HandleCall(*bus.Call) { m <- struct{}{} }

// TestSilentDaemon has every command that waits for plexauthd give up.
func TestSilentDaemon(t *testing.T) {
	p := newPerson(t)
	p.StopDaemon()
	asked := make(mute, 10)
	conn, err := bus.Serve(t.Context(), p.Bus.Address, names.Bus, asked)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, command := range []string{"status", "login", "import", "logout", "validate", "headers", "users", "switch bob", "servers"} {
		clock := clockwork.NewFakeClock()
		p.clock = clock
		r := p.begin(strings.Fields(command)...)
		select {
		case <-asked:
		case <-p.bounded().Done():
			t.Fatalf("%s: plexauthd was not asked", command)
		}
		clock.Advance(memoryTimeout)
		r.ends(exitFailed, "no answer in time, see systemctl status plexauthd dbus")
	}
}
