// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// pairingKinds are the pairings that a box may ask for.
var pairingKinds = map[string]struct {
	strong   bool
	device   string
	length   int
	lifetime time.Duration // of plex.tv's PIN
	allowed  time.Duration // by the settings
	authURI  string        // of client identifier and code
}{
	"short": {
		device: "Den", length: 4, lifetime: plextvsim.WeakLifetime, allowed: timeout,
		authURI: "https://plex.tv/link/?pin=CODE",
	},
	"strong": {
		strong: true, device: "Wohnzimmer + Küche", length: 25, lifetime: plextvsim.StrongLifetime, allowed: 2 * time.Hour,
		authURI: "https://app.plex.tv/auth#?clientID=CLIENT&code=CODE" +
			"&context%5Bdevice%5D%5BdeviceName%5D=Wohnzimmer%20%2B%20K%C3%BCche" +
			"&context%5Bdevice%5D%5Bdevice%5D=TV%20Box" +
			"&context%5Bdevice%5D%5BplatformVersion%5D=6.12&context%5Bdevice%5D%5Bplatform%5D=Linux" +
			"&context%5Bdevice%5D%5Bproduct%5D=Retune&context%5Bdevice%5D%5Bversion%5D=1.2.3",
	},
	"strong, no device name": {
		strong: true, length: 25, lifetime: plextvsim.StrongLifetime, allowed: timeout,
		authURI: "https://app.plex.tv/auth#?clientID=CLIENT&code=CODE" +
			"&context%5Bdevice%5D%5Bdevice%5D=TV%20Box" +
			"&context%5Bdevice%5D%5BplatformVersion%5D=6.12&context%5Bdevice%5D%5Bplatform%5D=Linux" +
			"&context%5Bdevice%5D%5Bproduct%5D=Retune&context%5Bdevice%5D%5Bversion%5D=1.2.3",
	},
}

func TestRequestPinStartsAPairing(t *testing.T) {
	for name, test := range pairingKinds {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, func(s *setup) {
				s.auth.Settings.Identity.DeviceName = test.device
				s.auth.Settings.PairingTimeout = test.allowed
			})
			p := b.pair(auth.PinOptions{Strong: test.strong})
			pin := b.sim.Pins()[0]
			equal(t, "strong at plex.tv", pin.Strong, test.strong)
			equal(t, "code", p.Code, pin.Code)
			equal(t, "length of the code", len(p.Code), test.length)
			equal(t, "link", p.LinkURI, "https://plex.tv/link")
			want := strings.NewReplacer("CLIENT", pin.ClientIdentifier, "CODE", p.Code).Replace(test.authURI)
			equal(t, "auth URI", p.AuthURI, want)
			equal(t, "expiry", p.ExpiresAt, b.start.Add(min(test.lifetime, test.allowed)))

			e := b.await(in(auth.PairingNow))
			equal(t, "pairing in the snapshot", e.Snapshot.Pairing, p)
			equal(t, "authenticated", e.Snapshot.Authenticated, false)
			kept := b.disk()
			equal(t, "client identifier on disk", kept.ClientID, pin.ClientIdentifier)
			equal(t, "id on disk", kept.Pairing.ID, p.ID)
			equal(t, "code on disk", kept.Pairing.Code, p.Code)
		})
	}
}

// together runs RequestPin in several goroutines while plex.tv holds its answer,
// and gives what they got.
func (b *box) together(options ...auth.PinOptions) (pairings []auth.Pairing) {
	b.Helper()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RequestPin, Delay: time.Second})
	got := make(chan auth.Pairing, len(options))
	distinct := make(map[auth.PinOptions]bool)
	for _, o := range options {
		distinct[o] = true
		go func() {
			pairing, err := b.account.RequestPin(b.soon(), o)
			if err != nil {
				b.Error(err)
			}
			got <- pairing
		}()
	}
	b.must(b.sim.Await(b.soon(), len(distinct), plextvsim.RequestPin))
	b.must(b.clock.BlockUntilContext(b.soon(), len(distinct)))
	b.clock.Advance(time.Second)
	for range options {
		pairings = append(pairings, <-got)
	}
	b.sim.Clear()
	return pairings
}

func TestCallersShareOnePin(t *testing.T) {
	b := newBox(t)
	pairings := b.together(make([]auth.PinOptions, 8)...)
	for _, p := range pairings {
		equal(t, "pairing of another caller", p, pairings[0])
	}
	for _, o := range []auth.PinOptions{{}, {Strong: true}} {
		equal(t, "pairing of a later caller", b.pair(o), pairings[0])
	}
	equal(t, "PINs at plex.tv", len(b.sim.Pins()), 1)
	// The second the request took was the PIN's own time.
	equal(t, "expiry", pairings[0].ExpiresAt, b.start.Add(timeout))
}

func TestCallersWithOtherWishesGetThePairingThatCameFirst(t *testing.T) {
	b := newBox(t)
	pairings := b.together(auth.PinOptions{}, auth.PinOptions{Strong: true})
	equal(t, "the other's pairing", pairings[1], pairings[0])
	equal(t, "pairing under way", b.account.Snapshot().Pairing, pairings[0])
}

func TestACallerThatLeavesDoesNotTakeThePinAlong(t *testing.T) {
	b := newBox(t)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RequestPin, Delay: time.Second, Times: 1})
	impatient, leave := context.WithCancel(b.soon())
	left, stayed := make(chan error, 1), make(chan error, 1)
	request := func(ctx context.Context, done chan<- error) {
		_, err := b.account.RequestPin(ctx, auth.PinOptions{})
		done <- err
	}
	go request(impatient, left)
	b.must(b.sim.Await(b.soon(), 1, plextvsim.RequestPin))
	entered := &enteredContext{Context: b.soon(), entered: make(chan struct{})}
	go request(entered, stayed)
	<-entered.entered
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	b.tick(time.Second)
	b.must(<-stayed)
	equal(t, "PINs at plex.tv", len(b.sim.Pins()), 1)
}

// enteredContext tells when somebody has begun to wait for its end.
type enteredContext struct {
	context.Context
	entered chan struct{}
}

func (c *enteredContext) Done() <-chan struct{} {
	select {
	case <-c.entered:
	default:
		close(c.entered)
	}
	return c.Context.Done()
}

func TestTheLastCallerToLeaveEndsTheRequest(t *testing.T) {
	b := newBox(t, func(s *setup) { s.plex.Timeout = 2 * patience })
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RequestPin, Delay: time.Hour, Times: 1})
	ctx, leave := context.WithCancel(b.soon())
	left := make(chan error, 1)
	go func() {
		_, err := b.account.RequestPin(ctx, auth.PinOptions{})
		left <- err
	}()
	b.must(b.sim.Await(b.soon(), 1, plextvsim.RequestPin))
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	b.answered(1, plextvsim.RequestPin) // hung up, not answered: nobody lets the hour pass
	equal(t, "pairing", b.account.Snapshot().Pairing, auth.Pairing{})
	b.pair(auth.PinOptions{})
}

func TestForceStartsAgain(t *testing.T) {
	b := newBox(t)
	first := b.pair(auth.PinOptions{})
	b.unread()
	second := b.pair(auth.PinOptions{Strong: true, Force: true})
	e := b.await(ended)
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: first.ID, Result: auth.PinCancelled})
	equal(t, "pairing in the same event", e.Snapshot.Pairing, second)
	if second.ID == first.ID || second.Code == first.Code {
		t.Errorf("the new pairing %v is the old one", second)
	}
	_, _, err := b.account.CheckPin(b.soon(), first.ID)
	wantCode(t, "checking the old one", err, auth.NotFound)

	// The old code no longer works for whoever has typed it.
	b.must(b.sim.Claim(first.Code, ""))
	b.poll()
	equal(t, "state", b.account.Snapshot().State, auth.PairingNow)
	b.must(b.sim.Claim(second.Code, ""))
	b.tick(interval)
	equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: second.ID, Result: auth.PinClaimed})
}

func TestCancelPin(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{})
	b.unread()
	wantCode(t, "cancelling another", b.account.CancelPin(b.soon(), p.ID+1), auth.NotFound)
	b.idle()
	b.must(b.account.CancelPin(b.soon(), p.ID))
	e := b.next()
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinCancelled})
	equal(t, "state", e.Snapshot.State, auth.SignedOut)
	equal(t, "pairing", e.Snapshot.Pairing, auth.Pairing{})
	if e.Auth != nil || b.disk().Pairing != nil {
		t.Errorf("after cancelling: auth %v, disk %v", e.Auth, b.disk().Pairing)
	}
	wantCode(t, "cancelling twice", b.account.CancelPin(b.soon(), p.ID), auth.NotFound)
}
