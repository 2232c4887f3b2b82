// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestSignedInAtOnceAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	p.Stop()
	b.AwaitNote("STOPPING=1")

	b.Sim.Fail(plextvsim.Fault{Reset: true}) // plex.tv is not needed to know who is signed in
	b.Start()
	f.MustHold(token)
	if state := f.Property("State"); state != "unverified" || f.Property("Authenticated") != true {
		t.Errorf("State = %v, Authenticated = %v", state, f.Property("Authenticated"))
	}
	b.AwaitNote("STATUS=Signed in to Plex, but not confirmed: plex.tv cannot be reached")
	b.Sim.Clear()
	f.AwaitProperty("State", "signed-in")
}

func TestKilledWhilePairingGoesOnWithTheSameCode(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	id, code := f.RequestPin()
	p.End()
	b.Claim(code, "") // meanwhile
	b.Start()
	signal := f.Await("AuthChanged")
	if signal.Body[0] != true {
		t.Errorf("AuthChanged says %v", signal.Body)
	}
	if end := f.Await("PinEnded"); end.Body[0] != id || end.Body[1] != "claimed" {
		t.Errorf("PinEnded says %v, not (%d, claimed)", end.Body, id)
	}
}

func TestKilledWhilePairingShowsTheSameCode(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	id, code := f.RequestPin()
	for range 3 {
		p.End()
		p = b.Start()
		if againID, again := f.RequestPin(); againID != id || again != code {
			t.Fatalf("the pairing after a crash is %d %s, not %d %s", againID, again, id, code)
		}
	}
	if n := len(b.Sim.Pins()); n != 1 {
		t.Errorf("plex.tv was asked for %d PINs", n)
	}
}

func TestReadyDoesNotWaitForPlex(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	b.SignIn(b.Frontend())
	p.End()
	b.Sim.Fail(plextvsim.Fault{Delay: time.Hour})
	b.Start()
	if owner := b.Frontend().Owner(names.Bus); owner == "" {
		t.Error("READY=1 was sent before the bus name was taken")
	}
}

func TestStopsWhilePlexIsSilent(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	b.SignIn(f)
	b.Sim.Fail(plextvsim.Fault{Delay: time.Hour})
	for range 10 {
		f.Conn.Object(names.Bus, names.Path).Go(names.Bus+".Validate", 0, nil)
	}
	if _, code := requestPinAnyway(f); code != "" {
		t.Fatal("plex.tv was to be silent")
	}
	p.Stop()
}

// requestPinAnyway asks for a PIN and does not wait for the answer.
func requestPinAnyway(f *daemontest.Frontend) (id uint64, code string) {
	f.Conn.Object(names.Bus, names.Path).Go(names.Bus+".RequestPin", dbus.FlagNoReplyExpected, nil)
	return 0, ""
}

func TestNameTaken(t *testing.T) {
	b := newBox(t)
	b.Start()
	second := b.Launch("--state", b.Path("other/state.toml"))
	if status := second.Wait(); status != 1 {
		t.Errorf("exit status %d, not 1", status)
	}
	if !strings.Contains(b.Printed.String(), "is plexauthd running already?") {
		t.Errorf("no clear line:\n%s", b.Printed.String())
	}
}

func TestBusGoesAway(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	b.Bus.Stop()
	if status := p.Wait(); status != 1 {
		t.Errorf("exit status %d, not 1: the service manager would not restart it", status)
	}
	if !strings.Contains(b.Printed.String(), "the connection to the bus has ended") {
		t.Errorf("no clear line:\n%s", b.Printed.String())
	}
}

func TestNoBus(t *testing.T) {
	b := newBox(t)
	p := b.Exec(exec.Command(b.Program, "--bus", "unix:path="+filepath.Join(b.Dir, "none"), "--state", b.State))
	if status := p.Wait(); status != 1 {
		t.Errorf("exit status %d, not 1", status)
	}
}

func TestStateCannotBeWritten(t *testing.T) {
	b := newBox(t)
	// A file where the directory should be stops root too.
	if err := os.WriteFile(filepath.Dir(b.State), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Start()
	f := b.Frontend()
	if state := f.Property("State"); state != "signed-out" {
		t.Errorf("State = %v", state)
	}
	f.MustFail("StorageFailed", "RequestPin")
	if err := os.Remove(filepath.Dir(b.State)); err != nil {
		t.Fatal(err)
	}
	b.SignIn(f)
}

func TestWatchdogIsPinged(t *testing.T) {
	b := newBox(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	b.Start()
	for range 3 {
		b.AwaitNote("WATCHDOG=1")
	}
}
