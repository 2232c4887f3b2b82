// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestExpiry(t *testing.T) {
	b := newBox(t)
	b.daemon.End()
	b.configure("timeout = \"10s\"\n")
	b.start()
	k := b.kodi(Options{})
	first := openWithCode(b, k)
	k.AwaitShown("title", "This code is no longer valid")
	if got := k.Shows("text"); !strings.HasPrefix(got, "Nobody entered it in time.") {
		t.Errorf("the screen says %q", got)
	}
	k.Look("expired")
	k.Choose("New code")
	k.AwaitShown("kind", "code")
	second := b.pin()
	if second.ID == first.ID || second.Code == first.Code {
		t.Errorf("the new code is the old one: %+v", second)
	}
	wantReadable(b, k, second, "new-code")
}

func TestCancel(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	k.Input("Back")
	k.AwaitClosed()
	await(t, "the pairing is over", func() bool { return b.status().Pin.ID == 0 })

	// What another frontend began goes on without us.
	pin, err := b.client.RequestPin(t.Context(), client.PinOptions{})
	must(t, err)
	if again := openWithCode(b, k); again != pin {
		t.Errorf("Kodi shows %+v, the other frontend %+v", again, pin)
	}
	k.Choose("Cancel")
	k.AwaitClosed()
	if got := b.status().Pin; got != pin {
		t.Errorf("another frontend's pairing is %+v after Back, was %+v", got, pin)
	}
	must(t, b.client.CancelPin(t.Context(), pin.ID))

	// And what ends elsewhere is over here.
	pin = openWithCode(b, k)
	must(t, b.client.CancelPin(t.Context(), pin.ID))
	k.AwaitShown("text", "It was cancelled on another screen of this box.")
}

func TestDaemonDiesAndComesBack(t *testing.T) {
	b := newBox(t)
	b.daemon.End()
	k := b.kodi(Options{})
	const away = "plexauthd is not running. This screen continues as soon as it is."
	k.Run(addonID)
	k.AwaitShown("text", away)
	k.Look("no-daemon")
	b.start()
	k.AwaitShown("kind", "code")
	pin := b.pin()

	b.daemon.End()
	k.AwaitShown("text", away)
	b.start()
	k.AwaitShown("kind", "code")
	if again := b.pin(); again != pin {
		t.Errorf("after a restart the pairing is %+v, was %+v", again, pin)
	}

	b.daemon.End()
	k.AwaitShown("text", away)
	b.claim(pin.Code)
	b.start()
	k.AwaitClosed()
	k.AwaitHome("PlexAuth.State", "signed-in")
}

func TestBusDies(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	b.Bus.Stop()
	k.AwaitShown("text", "The D-Bus of this box cannot be reached. This screen keeps trying.")
	k.AwaitHome("PlexAuth.State", "")
	k.Input("Back")
	k.AwaitClosed()
	k.Run(addonID)
	k.AwaitShown("title", "The sign-in service does not answer")
}

func TestNoNetwork(t *testing.T) {
	b := newBox(t)
	b.Sim.Fail(plextvsim.Fault{Reset: true})
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("text", "Plex cannot be reached. Please check the network. This screen keeps trying.")
	k.Look("no-network")
	b.Sim.Clear()
	b.Sim.Fail(plextvsim.CaptivePortal())
	k.Choose("Try again")
	k.AwaitShown("text", "Something other than Plex answered. Does this network require a sign-in?")
	b.Sim.Clear()
	b.Sim.Fail(plextvsim.Fault{Reset: true})
	k.Choose("Try again")
	k.AwaitShown("title", "There is no code yet")
	b.Sim.Clear()
	k.AwaitShown("kind", "code") // by itself
	k.Input("Back")
	k.AwaitClosed()
}

func TestTwoRunsAtOnce(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("kind", "code")
	k.Run(addonID)
	k.await("both runs have asked", func() bool {
		return strings.Count(k.Log(), "asked for the sign-in screen") == 2
	})
	k.Input("Back")
	k.AwaitClosed()
	await(t, "the pairing is over", func() bool { return b.status().Pin.ID == 0 })
	// Twice round, and the service has seen all that was asked of it.
	b.daemon.End()
	k.AwaitHome("PlexAuth.State", "")
	b.start()
	k.AwaitHome("PlexAuth.State", "signed-out")
	if pins := len(b.Sim.Pins()); pins != 1 || k.Is(window) {
		t.Errorf("plex.tv was asked for %d codes; the screen is there: %v", pins, k.Is(window))
	}
	openWithCode(b, k)
}
