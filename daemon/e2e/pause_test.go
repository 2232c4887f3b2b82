// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// Only time ends the pause after wrong home PINs, whatever else the box is made to do.
func TestNothingLiftsThePauseAfterWrongPins(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	ada := b.Ada()
	p := b.Start()
	f := b.Frontend()
	pair := func() {
		_, code := f.RequestPin()
		b.Claim(code, ada)
		f.Await("PinEnded")
	}
	pair()
	for range 3 {
		f.MustFail("PinRejected", "Home.SwitchUser", daemontest.BobsUUID, "0000")
	}
	f.MustFail("RateLimited", "Home.SwitchUser", daemontest.BobsUUID, daemontest.BobsPIN)
	p.Stop()
	b.prolongPause()
	p = b.Start()
	for _, attempt := range []struct {
		name string
		lift func()
	}{
		{"StoreCredentials", func() {
			f.Call("Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(f.Token())})
		}},
		{"signing in again", pair},
		{"signing out and in", func() { f.Call("Credentials.SignOut"); pair() }},
		{"another user", func() { f.Call("Home.SwitchUser", daemontest.KimsUUID, "") }},
		{"a reload", func() { p.Reload("[identity]\ndevice = \"TV\"\n") }},
		{"a crash", func() { p.End(); p = b.Start() }},
		{"import", func() {
			ctl := exec.Command(filepath.Join(programs, "plexauthctl"), "--bus", b.Bus.Address, "import")
			ctl.Stdin = strings.NewReader(ada)
			if out, err := ctl.CombinedOutput(); err != nil {
				t.Errorf("import: %v: %s", err, out)
			}
		}},
	} {
		attempt.lift()
		f.MustFail("RateLimited", "Home.SwitchUser", daemontest.BobsUUID, daemontest.BobsPIN)
		if t.Failed() {
			t.Fatalf("after %s", attempt.name)
		}
	}
}

// prolongPause makes it the longest one, as after many more wrong PINs.
func (b *box) prolongPause() {
	b.Helper()
	store := statefile.Open(b.State, clockwork.NewRealClock())
	state, err := store.Load()
	if err != nil {
		b.Fatal(err)
	}
	state.HomePin = &statefile.HomePin{Wrong: 20, RetryAt: time.Now().Add(15 * time.Minute)}
	if err := store.Save(state); err != nil {
		b.Fatal(err)
	}
}
