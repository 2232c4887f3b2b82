// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// watched is how many pairings the box has given up and still asks about.
func (b *box) watched() (n int) {
	b.Helper()
	for _, p := range b.disk().GivenUp {
		if p != nil {
			n++
		}
	}
	return n
}

// settles lets time pass until the box asks about no given up pairing any more.
func (b *box) settles() { b.settlesIn(10 * time.Second) }

func (b *box) settlesIn(step time.Duration) {
	b.Helper()
	for end := b.soon(); b.watched() > 0; {
		if end.Err() != nil {
			b.Fatalf("a pairing is still watched; log:\n%s", b.log)
		}
		b.pass(step)
	}
}

// pass lets d pass if somebody waits for it, and gives plex.tv time to answer.
func (b *box) pass(d time.Duration) {
	b.Helper()
	short, cancel := context.WithTimeout(b.Context(), 5*time.Millisecond)
	defer cancel()
	if b.clock.BlockUntilContext(short, 1) == nil {
		b.clock.Advance(d)
	}
	<-short.Done()
}

// enders are the ways in which somebody ends a pairing.
var enders = map[string]func(*box, context.Context, auth.Pairing) error{
	"cancel": func(b *box, ctx context.Context, p auth.Pairing) error { return b.account.CancelPin(ctx, p.ID) },
	"force": func(b *box, ctx context.Context, _ auth.Pairing) error {
		_, err := b.account.RequestPin(ctx, auth.PinOptions{Force: true})
		return err
	},
}

func TestAClaimThatCameFirstWins(t *testing.T) {
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				b := newBox(t, mode, func(s *setup) { s.sim.TokenOnce = true })
				p := b.pair(auth.PinOptions{})
				b.unread()
				b.must(b.sim.Claim(p.Code, ""))
				b.must(end(b, b.soon(), p))
				e := b.await(ended)
				equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinClaimed})
				equal(t, "signed in", e.Snapshot.Authenticated, true)
				equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 0)
			})
		})
	}
}

// plex.tv takes longer to answer than somebody waits. What it says is of before the
// end all the same.
func TestAClaimThatCameFirstWinsLater(t *testing.T) {
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, withLimits, func(s *setup) { s.sim.TokenOnce = true })
			p := b.pair(auth.PinOptions{})
			b.idle()
			b.must(b.sim.Claim(p.Code, ""))
			b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Delay: 5 * time.Second, Times: 1})
			done := make(chan error, 1)
			ctx := b.soon()
			go func() { done <- end(b, ctx, p) }()
			b.must(b.sim.Await(b.soon(), 1, plextvsim.CheckPin))
			b.must(b.clock.BlockUntilContext(b.soon(), 2))
			b.clock.Advance(2 * time.Second)
			b.must(receive(b, done))
			equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinCancelled})
			b.clock.Advance(3 * time.Second)
			e := b.passUntil(authChanged, interval)
			equal(t, "signed in", e.Auth.Authenticated, true)
			claimed, _, err := b.account.CheckPin(b.soon(), p.ID)
			b.must(err)
			equal(t, "claimed", claimed, true)
			equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 0)
		})
	}
}

func TestAClaimAfterTheEndIsRevoked(t *testing.T) {
	for name, end := range enders {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				b := newBox(t, mode)
				p := b.pair(auth.PinOptions{})
				b.must(end(b, b.soon(), p))
				b.restart(0)
				b.must(b.sim.Claim(p.Code, ""))
				b.settles()
				equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 1)
				equal(t, "authenticated", b.account.Snapshot().Authenticated, false)
			})
		})
	}
}

// plex.tv's PIN lives longer than the box shows it.
func TestAClaimAfterTheBoxsOwnLimitSignsIn(t *testing.T) {
	for name, restart := range map[string]bool{"": false, "restart": true} {
		for name, strong := range map[string]bool{name + " short": false, name + " strong": true} {
			t.Run(name, func(t *testing.T) {
				bothModes(t, func(t *testing.T, mode func(*setup)) {
					b := newBox(t, mode, func(s *setup) { s.sim.TokenOnce = true })
					p := b.pair(auth.PinOptions{Strong: strong})
					b.clock.Advance(timeout)
					e := b.passUntil(ended, 0)
					equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
					equal(t, "state", e.Snapshot.State, auth.SignedOut)
					asked := len(b.asked(plextvsim.CheckPin))
					for range 8 {
						b.tick(time.Minute)
						b.idle()
					}
					if got := len(b.asked(plextvsim.CheckPin)) - asked; got < 7 || got > 9 {
						t.Errorf("asked %d times in 8 minutes", got)
					}
					b.must(b.sim.Claim(p.Code, ""))
					if restart {
						b.restart(0)
					}
					e = b.passUntil(authChanged, interval)
					equal(t, "signed in", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
					equal(t, "watched", b.watched(), 0)
				})
			})
		}
	}
}

func TestNobodyAsksAboutAPinThatIsGone(t *testing.T) {
	b := newBox(t)
	b.pair(auth.PinOptions{})
	b.clock.Advance(timeout)
	b.passUntil(ended, 0)
	b.settlesIn(time.Second)
	got := b.asked(plextvsim.CheckPin)
	if last := got[len(got)-1]; last < plextvsim.WeakLifetime-3*time.Second || last > plextvsim.WeakLifetime+time.Minute {
		t.Errorf("asked last at %v", last)
	}
	if !slices.ContainsFunc(got, func(at time.Duration) bool {
		return at < plextvsim.WeakLifetime && at > plextvsim.WeakLifetime-5*time.Second
	}) {
		t.Errorf("not asked just before the end: %v", got)
	}
}

// Somebody signed in or out after the code was given up: its claim comes too late.
func TestALaterDecisionOutweighsAnOlderCode(t *testing.T) {
	for name, decide := range map[string]func(*box){
		"signed in with another code": func(b *box) { b.claimed(auth.PinOptions{}) },
		"signed in and out": func(b *box) {
			b.claimed(auth.PinOptions{})
			b.must(b.account.Clear(b.soon()))
		},
		"signed in, restart": func(b *box) {
			b.claimed(auth.PinOptions{})
			b.restart(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.sim.AddUser(plextvsim.User{Username: "ann"})
			eve := b.sim.AddUser(plextvsim.User{Username: "eve"})
			p := b.pair(auth.PinOptions{})
			b.clock.Advance(timeout)
			b.passUntil(ended, 0)
			decide(b)
			before := b.account.Snapshot()
			b.must(b.sim.Claim(p.Code, eve))
			b.settles()
			equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 1)
			now := b.account.Snapshot()
			equal(t, "authenticated", now.Authenticated, before.Authenticated)
			if now.Authenticated {
				equal(t, "user", now.User.Username, "ann")
				good, err := b.account.Validate(b.soon())
				b.must(err)
				equal(t, "the sign-in is good", good, true)
			}
		})
	}
}

// Who is signed in claims an older code of this very device. plex.tv may have ended
// the older token by that, and revoking the newer one may sign the device out.
func TestAnOlderCodeOfWhoIsSignedIn(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newHousehold(t, mode)
		h.must(h.switchTo(h.guest, ""))
		p := h.pair(auth.PinOptions{})
		h.must(h.account.CancelPin(h.soon(), p.ID))
		h.unread()
		h.must(h.sim.Claim(p.Code, ""))
		h.settles()
		equal(t, "revoked", h.sim.Count(plextvsim.SignOut), 0)
		equal(t, "user", h.account.Snapshot().User.Title, "Guest")
		if got := h.reasons(); len(got) != 0 {
			t.Errorf("told: %v", got)
		}
		h.must(h.switchTo(h.admin, adminPin))
		good, err := h.account.Validate(h.soon())
		h.must(err)
		equal(t, "good", good, true)
	})
}

// More codes than the box remembers: what was claimed is kept, the oldest go.
func TestManyCodesGivenUp(t *testing.T) {
	b := newBox(t)
	var codes []string
	for range statefile.MaxGivenUp + 2 {
		p := b.pair(auth.PinOptions{})
		codes = append(codes, p.Code)
		b.must(b.account.CancelPin(b.soon(), p.ID))
	}
	equal(t, "watched", b.watched(), statefile.MaxGivenUp)
	for _, code := range codes[2:] {
		b.must(b.sim.Claim(code, ""))
	}
	b.settles()
	equal(t, "revoked", b.sim.Count(plextvsim.SignOut), statefile.MaxGivenUp)
}
