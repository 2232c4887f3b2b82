// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// A refusal is not believed at once: meanwhile frontends go on with what they have,
// over a restart, too.
func TestRefusalIsNotBelievedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	ada := b.Ada()
	p := b.Start()
	f := b.Frontend()
	token := b.SignInAs(f, ada)
	if err := f.Call("Credentials.ListServers").Err; err != nil {
		t.Fatal(err)
	}
	f.Await("PinEnded")
	b.Sim.Fail(plextvsim.Fault{Status: 401})
	goesOn := func() {
		t.Helper()
		valid := true
		if err := f.Call("Validate").Store(&valid); err != nil || valid {
			t.Errorf("Validate: %v, %v", valid, err)
		}
		if state := f.Property("State"); state != "unverified" || f.Property("Authenticated") != true {
			t.Errorf("State is %v", state)
		}
		f.MustHold(token)
		headers := map[string]string{}
		if err := f.Call("Credentials.GetServerHeaders", daemontest.MachineID).Store(&headers); err != nil || headers["X-Plex-Token"] == "" {
			t.Errorf("GetServerHeaders: %v", err)
		}
	}
	goesOn()
	p.End()
	b.Start()
	goesOn()
	b.Sim.Clear()
	valid := false
	if err := f.Call("Validate").Store(&valid); err != nil || !valid || f.Property("State") != "signed-in" {
		t.Errorf("Validate: %v, %v; State is %v", valid, err, f.Property("State"))
	}
	isSignedInQuietly(f)
}
