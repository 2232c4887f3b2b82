package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// newKeyedBox is a box that has signed in with a device key and asks about its
// token every day.
func newKeyedBox(t *testing.T) *box {
	t.Helper()
	b := newBox(t, func(s *setup) { s.auth.CheckEvery, s.auth.Settings.Mode = 0, auth.ModeJWT })
	p := b.pair(auth.PinOptions{})
	b.must(b.sim.Claim(p.Code, b.sim.AddUser(plextvsim.User{})))
	b.tick(interval)
	b.await(ended)
	b.idle()
	return b
}

func TestARenewalThatFailsKeepsNothingElseBack(t *testing.T) {
	b := newKeyedBox(t)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetNonce, Status: 404})
	b.days(6)
	asked := len(b.asked(plextvsim.GetUser))
	if asked < 5 {
		t.Errorf("asked about the token %d times in 6 days", asked)
	}
}

func TestARemovedDeviceIsNoticedWhenARenewalIsDue(t *testing.T) {
	b := newKeyedBox(t)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Status: 503})
	b.days(6)
	b.unread()
	b.must(b.sim.RemoveDevice(b.account.Snapshot().Headers["X-Plex-Client-Identifier"]))
	b.sim.Clear()
	for range 2 { // a retry, and the question that confirms it
		b.tick(2 * time.Hour)
	}
	equal(t, "reason", b.await(authChanged).Auth.Reason, auth.ReasonRevoked)
}
