// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// The daemon that people run: whatever frontends call, plex.tv is asked little.
func TestPlexTvIsNotFlooded(t *testing.T) {
	b := newBox(t)
	b.Program = daemontest.Release(t)
	b.Start()
	began := time.Now()
	b.SignIn(b.Frontend())
	var callers sync.WaitGroup
	for range 8 {
		f := b.Frontend()
		callers.Go(func() {
			for i := range 40 {
				for _, call := range []*dbus.Call{
					f.Call("Validate"), f.Call("Credentials.ValidateToken", strings.Repeat("x", 1+i)), f.Call("Home.ListUsers"),
					f.Call("RequestPinWithOptions", map[string]dbus.Variant{"force": dbus.MakeVariant(true)}),
				} {
					checkPaced(t, call)
				}
			}
		})
	}
	callers.Wait()
	seconds := int(time.Since(began)/time.Second) + 1
	if n := b.Sim.Count(plextvsim.RequestPin); n > 4+seconds/15+1 {
		t.Errorf("%d new PINs in %d s", n, seconds)
	}
	const background = 5 // such as the questions of the sign-in
	if n := b.Sim.Count(plextvsim.Any) - b.Sim.Count(plextvsim.CheckPin); n > 10+seconds+background {
		t.Errorf("plex.tv was asked %d times in %d s for 1280 calls", n, seconds)
	}
}

// checkPaced lets a call succeed, or be told when to try again.
func checkPaced(t *testing.T, call *dbus.Call) {
	var failed dbus.Error
	switch {
	case call.Err == nil:
	case errors.As(call.Err, &failed) && failed.Name == names.ErrorPrefix+"RateLimited":
		if !strings.Contains(failed.Error(), "try again in ") && !strings.Contains(failed.Error(), "status 429") {
			t.Errorf("the message does not say when: %v", failed)
		}
	default:
		t.Error(call.Err)
	}
}

// A pause that plex.tv asks for is kept for all callers, over reloads and restarts.
func TestPauseOutlivesTheDaemon(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	b.SignIn(f)
	b.Sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: 429, RetryAfter: "3600"})
	before := b.Sim.Count(plextvsim.GetUser)
	checkPaced(t, f.Call("Validate"))
	for range 3 {
		p.Signal(syscall.SIGHUP)
		b.AwaitNote("RELOADING=1")
		b.AwaitNote("READY=1")
		checkPaced(t, f.Call("Validate"))
	}
	if n := b.Sim.Count(plextvsim.GetUser) - before; n != 1 {
		t.Errorf("asked %d times in the pause, want once", n)
	}
	p.Stop()
	b.Start()
	for range 3 {
		checkPaced(t, f.Call("Validate"))
	}
	if n := b.Sim.Count(plextvsim.GetUser) - before; n != 1 {
		t.Errorf("asked %d times in the pause after a restart, want once", n)
	}
	if _, code := f.RequestPin(); code == "" {
		t.Error("the pause is for another kind of question")
	}
}
