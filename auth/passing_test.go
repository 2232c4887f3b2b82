// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// claimed pairs the box and lets somebody claim the PIN.
func (b *box) claimed(o auth.PinOptions) {
	b.Helper()
	b.unread()
	p := b.pair(o)
	b.must(b.sim.Claim(p.Code, ""))
	if e := b.passUntil(authChanged, interval); !named(e) {
		b.await(named)
	}
}

// untilAsked lets time pass until plex.tv is asked.
func (b *box) untilAsked(endpoint plextvsim.Endpoint, step time.Duration) {
	b.Helper()
	for before := b.sim.Count(endpoint); b.sim.Count(endpoint) == before; {
		b.tick(step)
	}
}

// passUntil lets time pass in steps until an event fits. Between them plex.tv has
// the time to answer: more than it needs, and a step too many does no harm.
func (b *box) passUntil(fits func(auth.Event) bool, step time.Duration) auth.Event {
	b.Helper()
	for patient := b.soon(); patient.Err() == nil; {
		select {
		case e := <-b.events:
			if b.seen = e.Snapshot; fits(e) {
				return e
			}
			continue
		case <-time.After(5 * time.Millisecond):
		}
		short, cancel := context.WithTimeout(patient, time.Millisecond)
		if b.clock.BlockUntilContext(short, 1) == nil {
			b.clock.Advance(step)
		}
		cancel()
	}
	b.Fatalf("nothing comes; log:\n%s", b.log)
	return auth.Event{}
}

// token is the one that is held.
func (b *box) token() string {
	if c := b.account.Snapshot().Credentials; c != nil {
		return c.Token.Reveal()
	}
	return ""
}

// works reports whether plex.tv takes the token that is held.
func (b *box) works() bool {
	b.Helper()
	good, err := b.account.ValidateToken(b.soon(), secret.New(b.token()))
	b.must(err)
	return good
}

func (b *box) isBound() {
	b.Helper()
	if text := b.token(); !strings.HasPrefix(text, "eyJ") {
		b.Fatalf("the token of %d characters is not bound to a key", len(text))
	}
	state := b.disk()
	if state.DeviceKey == nil || state.ClientID == "" {
		b.Fatal("no device key on the disk")
	}
	_, err := devicekey.Restore(state.DeviceKey.Kid, state.DeviceKey.PrivateKey)
	b.must(err)
	owner := state.Auth
	if state.Owner != nil {
		owner = state.Owner
	}
	equal(b, "the token is on disk", owner.Token.Reveal() == b.token(), true)
	equal(b, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
}

// toRenewal lets time pass to the middle of the token's life, where it is due.
func (b *box) toRenewal() {
	b.Helper()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 7 * 24 {
		b.tick(time.Hour)
		b.idle() // the schedule has done what was due
		if b.sim.Count(plextvsim.RefreshJWT) > before {
			return
		}
	}
	b.Fatal("no renewal in a week")
}
