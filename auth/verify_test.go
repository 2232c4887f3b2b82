// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// validate asks plex.tv about the stored token.
func (b *box) validate(want bool) {
	b.Helper()
	good, err := b.account.Validate(b.soon())
	b.must(err)
	equal(b, "token is good", good, want)
}

// wind lets time pass, a step whenever somebody waits for it, until an event fits.
func (b *box) wind(step time.Duration, fits func(auth.Event) bool) auth.Event {
	b.Helper()
	for {
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		waiting := make(chan error, 1)
		go func() { waiting <- b.clock.BlockUntilContext(ctx, 1) }()
		select {
		case e := <-b.events:
			if b.seen = e.Snapshot; fits(e) {
				cancel()
				return e
			}
		case err := <-waiting:
			b.must(err)
			if b.seen == b.account.Snapshot() { // else there is an event yet to come
				b.clock.Advance(step)
			}
		}
		cancel()
	}
}

// refusals lets plex.tv refuse the token until it is believed, and checks when.
func (b *box) refusals() auth.Event {
	b.Helper()
	from := b.clock.Now()
	e := b.wind(time.Second, authChanged)
	if took := b.clock.Since(from); took < 2*confirmAfter || took > 2*confirmAfter+2*askAgain {
		b.Errorf("the refusal was believed after %s", took)
	}
	return e
}

func TestARefusalIsBelievedWhenItLasts(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		expires time.Duration // of the token, from the start; 0 is not known
		reason  auth.Reason
	}{
		"401":                        {401, 0, auth.ReasonRevoked},
		"422":                        {422, 0, auth.ReasonRevoked},
		"401 before the token's end": {401, time.Hour, auth.ReasonRevoked},
		"401 at the token's end":     {401, confirmAfter, auth.ReasonExpired},
		"401 long after its end":     {401, -time.Hour, auth.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			token := b.sim.AddUser(plextvsim.User{})
			c := auth.Credentials{Token: secret.New(token)}
			if test.expires != 0 {
				c.ExpiresAt = b.start.Add(test.expires)
			}
			b.must(b.account.Store(b.soon(), c))
			b.unread()
			b.must(b.sim.Refuse(token, test.status))
			for range 5 { // however often
				b.validate(false)
			}
			equal(t, "state after a refusal", b.account.Snapshot().State, auth.Unverified)
			held, err := b.account.Token()
			b.must(err)
			equal(t, "token that is handed out", held.Reveal(), token)

			e := b.refusals() // nobody needs to ask
			equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: false, Reason: test.reason})
			equal(t, "state", e.Snapshot.State, auth.Expired)
			equal(t, "authenticated", e.Snapshot.Authenticated, false)
			equal(t, "token in the headers", e.Snapshot.Headers["X-Plex-Token"], "")
			equal(t, "refusal on disk", b.disk().Auth.RefusedAt, b.clock.Now())
			_, err = b.account.Token()
			wantCode(t, "Token", err, auth.AuthInvalid)
			b.validate(false)
			equal(t, "more changes", len(b.unread()), 0)
		})
	}
}

func TestForbiddenIsNoRefusal(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	b.must(b.sim.Refuse(token, 403))
	for range 5 {
		b.validate(false)
		b.clock.Advance(confirmAfter)
	}
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

// expire makes plex.tv refuse the token for good.
func (b *box) expire(token string) {
	b.Helper()
	b.must(b.sim.Revoke(token))
	b.validate(false)
	b.wind(askAgain, in(auth.Expired))
	b.validate(false) // may share the answer that has just come; nobody later does
}

func TestExpiredStaysExpiredOverARestart(t *testing.T) {
	b := newBox(t)
	b.expire(b.signIn(plextvsim.User{}))
	asked := len(b.asked(plextvsim.GetUser))
	b.restart(0)
	equal(t, "state", b.account.Snapshot().State, auth.Expired)
	b.answered(asked+1, plextvsim.GetUser)
	b.validate(false)
	for _, e := range b.unread() {
		equal(t, "state", e.Snapshot.State, auth.Expired)
		equal(t, "change", e.Auth, nil)
	}
}

func TestAnAnswerAboutTheTokenBeforeIsNotShared(t *testing.T) {
	b := newBox(t)
	old := b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Second, Times: 1})
	asked := make(chan bool, 1)
	go func() {
		good, err := b.account.Validate(b.soon())
		asked <- good || err != nil
	}()
	b.must(b.sim.Await(b.soon(), 2, plextvsim.GetUser))
	b.signIn(plextvsim.User{})
	b.must(b.sim.Revoke(old))
	b.validate(true)
	b.tick(time.Second)
	equal(t, "the token in use is good", <-asked, true)
	equal(t, "changes from the old token's refusal", len(b.unread()), 0)
	b.validate(true)
}

func TestStartsWithARefusedToken(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	b.must(b.sim.Revoke(token))
	b.restart(0)
	b.answered(2, plextvsim.GetUser)
	b.idle()
	equal(t, "state after one refusal", b.account.Snapshot().State, auth.Unverified)
	equal(t, "authenticated", b.account.Snapshot().Authenticated, true)
	e := b.refusals()
	equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: false, Reason: auth.ReasonRevoked})
	equal(t, "state", e.Snapshot.State, auth.Expired)
}

func TestStartsWithoutANetwork(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Reset: true})
	b.restart(0)
	for range 9 { // pauses of three rounds and between them
		b.tick(10 * time.Second)
	}
	b.idle()
	now := b.account.Snapshot()
	equal(t, "state", now.State, auth.Unverified)
	equal(t, "authenticated", now.Authenticated, true)
	b.sim.Clear()
	b.clock.Advance(6 * time.Minute)
	e := b.await(in(auth.SignedIn))
	if e.Auth != nil {
		t.Errorf("nobody has signed in, but %v came", *e.Auth)
	}
}

func TestPausesOfTheVerifierGrow(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	portal := plextvsim.CaptivePortal() // the client itself does not try this again
	portal.Times = 12
	b.sim.Fail(portal)
	b.restart(0)
	want := float64(time.Second)
	for n := 2; n < 12; n++ {
		b.answered(n, plextvsim.GetUser)
		last := b.clock.Now()
		for len(b.asked(plextvsim.GetUser)) == n {
			b.tick(100 * time.Millisecond)
			b.idle()
		}
		pause := float64(b.clock.Since(last))
		if low, high := 0.7*want, 1.3*want+float64(100*time.Millisecond); pause < low || pause > high {
			t.Errorf("pause %d is %v, want between %v and %v", n-1, time.Duration(pause), time.Duration(low), time.Duration(high))
		}
		want = min(2*want, float64(5*time.Minute))
	}
}

func TestNothingWakesUpWhenNothingIsOpen(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.restart(0)
	b.validate(true)
	before := len(b.asked(plextvsim.GetUser))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if b.clock.BlockUntilContext(over, 1) == nil {
		t.Error("somebody waits for the clock")
	}
	b.clock.Advance(24 * time.Hour)
	b.validate(true)
	equal(t, "questions in a day", len(b.asked(plextvsim.GetUser))-before, 1)
}
