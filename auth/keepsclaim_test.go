// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// plex.tv's keys are out of reach for longer than the PIN lives.
func TestAClaimOutlastsTheTimeWithoutKeys(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"503": {Status: 503}, "429": {Status: 429, RetryAfter: "7200"}, "reset": {Reset: true},
	} {
		for name, restart := range map[string]bool{name: false, name + ", restart": true} {
			t.Run(name, func(t *testing.T) {
				b := newBox(t, withDeviceKey, func(s *setup) { s.sim.TokenOnce = true })
				fault.Endpoint = plextvsim.GetKeys
				p := b.pair(auth.PinOptions{})
				b.poll()
				b.forgetKeys()
				b.sim.Fail(fault)
				b.must(b.sim.Claim(p.Code, ""))
				e := b.passUntil(ended, 10*time.Second)
				equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinFailed})
				for range 4 {
					b.pass(15 * time.Minute)
				}
				if restart {
					b.restart(0)
				}
				b.sim.Clear()
				e = b.passUntil(authChanged, time.Minute)
				equal(t, "signed in", e.Auth.Authenticated, true)
				b.isBound()
			})
		}
	}
}

// forgetKeys lets the account know none of plex.tv's keys, as after a restart.
func (b *box) forgetKeys() { b.restart(0) }

func TestALongRetryAfterLosesNoClaim(t *testing.T) {
	for name, at := range map[string]time.Duration{"early": interval, "at the end": timeout - interval} {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				b := newBox(t, mode)
				p := b.pair(auth.PinOptions{})
				b.tick(at)
				b.idle()
				b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Status: 429, RetryAfter: "3600", Times: 1})
				b.must(b.sim.Claim(p.Code, ""))
				e := b.passUntil(authChanged, interval)
				equal(t, "signed in", e.Auth.Authenticated, true)
			})
		})
	}
}

// A box without a disk to write on keeps what was claimed, and signs in once it can.
func TestAClaimOutlastsABrokenDisk(t *testing.T) {
	b := newBox(t, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	mend := b.breakDisk()
	b.must(b.sim.Claim(p.Code, ""))
	b.passUntil(ended, interval)
	mend()
	e := b.passUntil(authChanged, interval)
	equal(t, "signed in", e.Auth.Authenticated, true)
}
