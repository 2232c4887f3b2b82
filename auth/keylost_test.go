// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func TestARemovedDeviceIsNoticed(t *testing.T) {
	for _, status := range []int{401, 404, 422} {
		t.Run(fmt.Sprintf("1097 with %d", status), func(t *testing.T) {
			b := newBox(t, withDeviceKey, func(s *setup) {
				s.sim.NoKeyStatus, s.auth.CheckEvery = status, 0
			})
			b.claimed(auth.PinOptions{})
			b.must(b.sim.RemoveDevice(b.disk().ClientID))
			removed := b.clock.Now()
			told := b.passUntil(authChanged, time.Hour)
			if took := b.clock.Since(removed); took > 25*time.Hour {
				t.Errorf("noticed after %s", took)
			}
			equal(t, "told", *told.Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
		})
	}
}

// While renewals have trouble the token itself is asked about, as every day.
func TestTroubleWithRenewalsKeepsNothingBack(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.auth.CheckEvery = 0 })
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetNonce, Status: 503})
	b.untilAsked(plextvsim.GetNonce, time.Hour)
	asked := b.sim.Count(plextvsim.GetUser)
	for range 2 * 24 {
		b.tick(time.Hour)
		b.idle()
	}
	if daily := b.sim.Count(plextvsim.GetUser) - asked; daily < 2 || daily > 4 {
		t.Errorf("asked about the token %d times in 2 days", daily)
	}
}

func TestARemovedDeviceIsNoticedWhenARenewalIsDue(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.auth.CheckEvery = 0 })
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Status: 503})
	b.days(6)
	b.unread()
	b.must(b.sim.RemoveDevice(b.disk().ClientID))
	b.sim.Clear()
	equal(t, "reason", b.wind(time.Minute, authChanged).Auth.Reason, auth.ReasonRevoked)
}

func TestARemovedDeviceIsNoticedByValidate(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.must(b.sim.RemoveDevice(b.disk().ClientID))
	good, err := b.account.Validate(b.soon())
	b.must(err)
	equal(t, "good", good, false)
	equal(t, "after one answer", b.account.Snapshot().State, auth.Unverified)
	equal(t, "told", *b.wind(askAgain, authChanged).Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
}

// A device that was removed while the box was off, for longer than the token
// lived: plex.tv may say nothing but that it has expired.
func TestADeviceRemovedBehindAnExpiredToken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	token := b.token()
	b.must(b.sim.RemoveDevice(b.disk().ClientID))
	b.must(b.sim.Refuse(token, 498))
	b.restart(30 * 24 * time.Hour)
	equal(t, "told", *b.wind(askAgain, authChanged).Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
}

func TestALostKeyIsAnHonestEnd(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	user, client := b.account.Snapshot().User.Username, b.disk().ClientID
	b.close()
	state := b.disk()
	state.DeviceKey = nil
	b.must(statefile.Open(b.path, b.clock).Save(state))
	b.options.Store = statefile.Open(b.path, b.clock)
	b.open()
	now := b.account.Snapshot()
	equal(t, "state", now.State, auth.Expired)
	equal(t, "user", now.User.Username, user)
	if b.disk().ClientID == client || b.disk().ClientID == "" {
		t.Error("the client identifier is the old one, which gets no token any more")
	}
	b.told(auth.MessageKeyLost, "user_id=")
	b.claimed(auth.PinOptions{})
	b.isBound()
}

func TestAHalfWrittenKeyIsAnHonestEnd(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.close()
	kid := b.disk().DeviceKey.Kid
	b.must(writeFile(b.path, strings.Replace(string(b.file()), kid, kid[:20], -1)))
	b.options.Store = statefile.Open(b.path, b.clock)
	b.open()
	equal(t, "state", b.account.Snapshot().State, auth.Expired)
	b.told(auth.MessageStateCorrupt, "set_aside=")
	b.claimed(auth.PinOptions{})
	b.isBound()
}
