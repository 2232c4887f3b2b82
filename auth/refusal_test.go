// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const listMaxAge = 15 * time.Second

// A token that has been good for a while is given up sooner than a new one.
func TestARefusalOfAnOldTokenIsBelievedSooner(t *testing.T) {
	b := newBox(t)
	b.must(b.sim.Revoke(b.signIn(plextvsim.User{})))
	b.clock.Advance(2 * time.Minute)
	b.validate(false)
	from := b.clock.Now()
	b.wind(time.Second, authChanged)
	if took := b.clock.Since(from); took < confirmAfter || took > 2*askAgain {
		t.Errorf("the refusal was believed after %s", took)
	}
}

// plex.tv answers 401 to everybody for a while.
func TestARefusalThatPlexTvTakesBack(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *box{
		"while it is in use": func(t *testing.T) *box {
			b := newBox(t)
			b.signIn(plextvsim.User{})
			b.sim.Fail(plextvsim.Fault{Status: 401})
			b.validate(false)
			return b
		},
		"at the start": func(t *testing.T) *box {
			b := newBox(t)
			b.signIn(plextvsim.User{})
			b.sim.Fail(plextvsim.Fault{Status: 401})
			b.restart(0)
			return b
		},
		"at the start, jwt": func(t *testing.T) *box {
			b := newBox(t, withDeviceKey)
			b.claimed(auth.PinOptions{})
			b.sim.Fail(plextvsim.Fault{Status: 401})
			b.restart(0)
			return b
		},
		"after a claim":      func(t *testing.T) *box { return claimedIntoRefusals(newBox(t)) },
		"after a claim, jwt": func(t *testing.T) *box { return claimedIntoRefusals(newBox(t, withDeviceKey)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(t)
			for range 8 {
				b.tick(time.Second)
			}
			b.idle()
			now := b.account.Snapshot()
			equal(t, "state", now.State, auth.Unverified)
			equal(t, "authenticated", now.Authenticated, true)
			b.sim.Clear()
			b.unread()
			e := b.wind(time.Second, func(e auth.Event) bool {
				equal(t, "told", e.Auth, nil)
				return e.Snapshot.State == auth.SignedIn && e.Snapshot.User.ID != ""
			})
			equal(t, "authenticated", e.Snapshot.Authenticated, true)
		})
	}
}

// claimedIntoRefusals claims a PIN when plex.tv gives the token and then refuses it.
func claimedIntoRefusals(b *box) *box {
	b.Helper()
	p := b.pair(auth.PinOptions{})
	for _, endpoint := range []plextvsim.Endpoint{plextvsim.GetUser, plextvsim.GetNonce, plextvsim.RefreshJWT} {
		b.sim.Fail(plextvsim.Fault{Endpoint: endpoint, Status: 401})
	}
	b.must(b.sim.Claim(p.Code, ""))
	b.passUntil(authChanged, interval)
	return b
}

func TestALaterYesHeals(t *testing.T) {
	for name, ask := range map[string]func(*box){
		"when somebody asks":    func(b *box) { b.validate(true) },
		"when nobody asks":      func(b *box) { b.clock.Advance(90 * time.Second) },
		"when users are listed": func(b *box) { _, err := b.account.ListUsers(b.soon()); b.must(err) },
		"when a token is tried": func(b *box) {
			good, err := b.account.ValidateToken(b.soon(), b.account.Snapshot().Credentials.Token)
			b.must(err)
			equal(b, "good", good, true)
		},
		"when servers are listed": func(b *box) { _, err := b.account.ListServers(b.soon()); b.must(err) },
		"when the box wakes up": func(b *box) {
			b.slept.Add(int64(time.Minute))
			b.account.Wake()
		},
		"at the next start": func(b *box) {
			b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Second, Times: 1})
			b.restart(0)
			b.tick(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			token := b.signIn(plextvsim.User{Resources: plextvsim.SampleResources()})
			_, err := b.account.ListServers(b.soon())
			b.must(err)
			b.expire(token)
			b.clock.Advance(listMaxAge)
			b.must(b.sim.Refuse(token, 0))
			ask(b)
			e := b.await(authChanged)
			equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
			equal(t, "state", e.Snapshot.State, auth.SignedIn)
			equal(t, "token in the headers", e.Snapshot.Headers["X-Plex-Token"], token)
			equal(t, "refusal on disk", b.disk().Auth.RefusedAt, time.Time{})
		})
	}
}

// A token that stays refused is asked about more and more seldom.
func TestPausesAfterARefusalGrow(t *testing.T) {
	b := newBox(t)
	b.expire(b.signIn(plextvsim.User{}))
	for n, want := range []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour, 24 * time.Hour,
	} {
		last, asked := b.clock.Now(), b.sim.Count(plextvsim.GetUser)
		for step := want / 60; b.sim.Count(plextvsim.GetUser) == asked; {
			b.tick(step)
			b.idle()
		}
		if pause := b.clock.Since(last); pause < want*3/4-want/30 || pause > want {
			t.Errorf("pause %d is %s, want at most %s and not much less", n+1, pause, want)
		}
		b.answered(asked+1, plextvsim.GetUser)
		b.idle()
	}
	equal(t, "state", b.account.Snapshot().State, auth.Expired)
	for _, e := range b.unread() {
		equal(t, "change", e.Auth, nil)
	}
}

// A film at home goes on while plex.tv's sign-in is broken.
func TestServersAreKnownWhenTheTokenIsRefused(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newHousehold(t, mode, unlocked)
		servers, err := h.account.ListServers(h.soon())
		h.must(err)
		want, err := h.account.ServerHeaders(h.soon(), servers[0].MachineID)
		h.must(err)
		h.clock.Advance(listMaxAge)
		h.sim.Fail(plextvsim.Fault{Status: 401})
		known := func(state auth.State) {
			equal(t, "state", h.account.Snapshot().State, state)
			again, err := h.account.ListServers(h.soon())
			h.must(err)
			equal(t, "servers", len(again), len(servers))
			headers, err := h.account.ServerHeaders(h.soon(), servers[0].MachineID)
			h.must(err)
			equal(t, "token for the server", headers["X-Plex-Token"], want["X-Plex-Token"])
		}
		h.validate(false)
		known(auth.Unverified)
		h.wind(askAgain, in(auth.Expired))
		known(auth.Expired)
		h.restart(time.Hour)
		known(auth.Expired)
		h.must(h.account.Clear(h.soon()))
		_, err = h.account.ListServers(h.soon())
		wantCode(t, "after a sign-out", err, auth.AuthRequired)
		equal(t, "kept on the disk", h.disk().Servers == nil, true)
	})
}
