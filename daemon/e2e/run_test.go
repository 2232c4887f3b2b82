// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestSignedInAtOnceAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	token := b.signIn(f)
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		t.Fatalf("exit status %d after SIGTERM", status)
	}
	b.awaitNote("STOPPING=1")

	b.sim.Fail(plextvsim.Fault{Reset: true}) // plex.tv is not needed to know who is signed in
	b.start()
	var again string
	if err := f.call("Credentials.GetToken").Store(&again); err != nil || again != token {
		t.Errorf("the token after the restart is another one (%v)", err)
	}
	if state := f.property("State"); state != "unverified" || f.property("Authenticated") != true {
		t.Errorf("State = %v, Authenticated = %v", state, f.property("Authenticated"))
	}
	b.awaitNote("STATUS=Signed in to Plex, but not confirmed: plex.tv cannot be reached")
	b.sim.Clear()
	for f.property("State") != "signed-in" {
		f.await("PropertiesChanged")
	}
}

func TestKilledWhilePairingGoesOnWithTheSameCode(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	id, code := f.requestPin()
	p.kill()
	b.claim(code) // meanwhile
	b.start()
	signal := f.await("AuthChanged")
	if signal.Body[0] != true {
		t.Errorf("AuthChanged says %v", signal.Body)
	}
	if end := f.await("PinEnded"); end.Body[0] != id || end.Body[1] != "claimed" {
		t.Errorf("PinEnded says %v, not (%d, claimed)", end.Body, id)
	}
}

func TestKilledWhilePairingShowsTheSameCode(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	id, code := f.requestPin()
	for range 3 {
		p.kill()
		p = b.start()
		if againID, again := f.requestPin(); againID != id || again != code {
			t.Fatalf("the pairing after a crash is %d %s, not %d %s", againID, again, id, code)
		}
	}
	if n := len(b.sim.Pins()); n != 1 {
		t.Errorf("plex.tv was asked for %d PINs", n)
	}
}

func TestReadyDoesNotWaitForPlex(t *testing.T) {
	b := newBox(t)
	p := b.start()
	b.signIn(b.frontend())
	p.kill()
	b.sim.Fail(plextvsim.Fault{Delay: time.Hour})
	b.start()
	if owner := b.owner(); owner == "" {
		t.Error("READY=1 was sent before the bus name was taken")
	}
}

func (b *box) owner() string {
	var owner string
	_ = b.frontend().conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, names.Bus).Store(&owner)
	return owner
}

func TestStopsWhilePlexIsSilent(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	b.signIn(f)
	b.sim.Fail(plextvsim.Fault{Delay: time.Hour})
	for range 10 {
		f.conn.Object(names.Bus, names.Path).Go(names.Bus+".Validate", 0, nil)
	}
	if _, code := f.requestPinAnyway(); code != "" {
		t.Fatal("plex.tv was to be silent")
	}
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// requestPinAnyway asks for a PIN and goes on without the answer.
func (f *frontend) requestPinAnyway() (id uint64, code string) {
	f.conn.Object(names.Bus, names.Path).Go(names.Bus+".RequestPin", dbus.FlagNoReplyExpected, nil)
	return 0, ""
}

func TestNameTaken(t *testing.T) {
	b := newBox(t)
	b.start()
	second := b.launch()
	if status := second.wait(); status != 1 {
		t.Errorf("exit status %d, not 1", status)
	}
	if !strings.Contains(b.output.String(), "is plexauthd running already?") {
		t.Errorf("no clear line:\n%s", b.output.String())
	}
}

func TestBusGoesAway(t *testing.T) {
	b := newBox(t)
	p := b.start()
	b.bus.Stop()
	if status := p.wait(); status != 1 {
		t.Errorf("exit status %d, not 1: the service manager would not restart it", status)
	}
	if !strings.Contains(b.output.String(), "the connection to the bus has ended") {
		t.Errorf("no clear line:\n%s", b.output.String())
	}
}

func TestNoBus(t *testing.T) {
	b := newBox(t)
	p := b.exec(exec.Command(b.program, "--bus", "unix:path="+filepath.Join(b.dir, "none"), "--state", b.state))
	if status := p.wait(); status != 1 {
		t.Errorf("exit status %d, not 1", status)
	}
}

func TestStateCannotBeWritten(t *testing.T) {
	b := newBox(t)
	// A file where the directory should be stops root too.
	if err := os.WriteFile(filepath.Dir(b.state), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	f := b.frontend()
	if state := f.property("State"); state != "signed-out" {
		t.Errorf("State = %v", state)
	}
	f.mustFail("StorageFailed", "RequestPin")
	if err := os.Remove(filepath.Dir(b.state)); err != nil {
		t.Fatal(err)
	}
	b.signIn(f)
}

// mustFail calls a member and wants that error of ours.
func (f *frontend) mustFail(code, member string, args ...any) {
	f.t.Helper()
	err := f.call(member, args...).Err
	var named dbus.Error
	if e, ok := err.(dbus.Error); ok {
		named = e
	}
	if named.Name != names.ErrorPrefix+code {
		f.t.Errorf("%s: %v (%s), not %s", member, err, named.Name, code)
	}
}

func TestWatchdogIsPinged(t *testing.T) {
	b := newBox(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	b.start()
	for range 3 {
		b.awaitNote("WATCHDOG=1")
	}
}
