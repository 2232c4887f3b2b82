package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const week = 7 * 24 * time.Hour

func withDeviceKey(s *setup) { s.auth.Settings.Mode = auth.ModeJWT }

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
	holder := state.Auth
	if state.Admin != nil {
		holder = state.Admin
	}
	equal(b, "the token is on disk", holder.Token.Reveal() == b.token(), true)
	equal(b, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
}

func TestSignInWithADeviceKey(t *testing.T) {
	for _, strong := range []bool{false, true} {
		t.Run(fmt.Sprintf("strong=%t", strong), func(t *testing.T) {
			b := newBox(t, withDeviceKey)
			equal(t, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
			b.claimed(auth.PinOptions{Strong: strong})
			b.isBound()
			now := b.account.Snapshot()
			equal(t, "state", now.State, auth.SignedIn)
			equal(t, "expires", now.TokenExpiresAt.Sub(b.clock.Now()).Round(time.Minute), week)
			equal(t, "works", b.works(), true)
			equal(t, "asked for a token", b.sim.Count(plextvsim.RefreshJWT), 0)
		})
	}
}

func TestAClaimIsTakenOverARestart(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetKeys, Status: 503})
	b.must(b.sim.Claim(p.Code, ""))
	b.untilAsked(plextvsim.GetKeys, interval)
	b.restart(time.Second)
	b.sim.Clear()
	b.tick(interval)
	b.await(authChanged)
	b.isBound()
}

// toRenewal lets time pass to the middle of the token's life, where it is due.
func (b *box) toRenewal() {
	b.Helper()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 7 * 24 {
		b.tick(time.Hour)
		b.idle() // the keeper has done what was due
		if b.sim.Count(plextvsim.RefreshJWT) > before {
			return
		}
	}
	b.Fatal("no renewal in a week")
}

func TestATokenIsRenewedInTime(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	for range 3 {
		issued, old := b.clock.Now(), b.token()
		b.toRenewal()
		share := float64(b.clock.Since(issued)) / float64(week)
		if share < 0.49 || share > 0.72 {
			t.Errorf("renewed after %.0f %% of its life", 100*share)
		}
		if b.token() == old {
			t.Error("the token is the old one")
		}
		b.isBound()
		for _, e := range b.unread() {
			if e.Auth != nil {
				t.Errorf("a renewal is told as %v", *e.Auth)
			}
		}
		equal(t, "works", b.works(), true)
	}
	equal(t, "plex.tv's keys asked for", b.sim.Count(plextvsim.GetKeys), 1)
}

// Tokens that hardly live are not asked for without end.
func TestTokensWithoutTimeLeft(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.sim.SetJWTLifetime(2 * time.Second)
	b.toRenewal()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 60 {
		b.tick(10 * time.Second)
		b.idle()
	}
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked < 5 || asked > 11 {
		t.Errorf("asked for %d tokens in 10 minutes", asked)
	}
}

func TestABadTokenIsNotTaken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	for name, spoil := range plextvsim.BadJWTs() {
		b.sim.NextJWT(spoil)
		wantCode(t, name, b.account.Renew(b.soon()), auth.InvalidResponse)
		equal(t, name+": the old token is held", b.token() == old, true)
		equal(t, name+": state", b.account.Snapshot().State, auth.SignedIn)
	}
	b.must(b.account.Renew(b.soon()))
	if b.token() == old {
		t.Error("a good one is not taken")
	}
	b.isBound()
}

func TestABadTokenIsNoSignIn(t *testing.T) {
	for name, spoil := range plextvsim.BadJWTs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, withDeviceKey)
			p := b.pair(auth.PinOptions{})
			b.sim.NextJWT(spoil)
			b.must(b.sim.Claim(p.Code, ""))
			_, _, err := b.account.CheckPin(b.soon(), p.ID)
			wantCode(t, "CheckPin", err, auth.InvalidResponse)
			equal(t, "authenticated", b.account.Snapshot().Authenticated, false)
			equal(t, "kept token", b.disk().Pairing.Token.IsZero(), true)
		})
	}
}

// A nonce that plex.tv gives twice cannot be used twice.
func TestAReplayedNonce(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetNonce, Body: `{"nonce":"0c5b1c1e-used-before"}`})
	wantCode(t, "renewal", b.account.Renew(b.soon()), auth.InvalidResponse)
	equal(t, "the old token is held", b.token() == old, true)
	b.sim.Clear()
	b.must(b.account.Renew(b.soon()))
}

func TestOneRenewalForAll(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.JWTLifetime = 4 * time.Minute })
	b.claimed(auth.PinOptions{})
	old, before := b.token(), b.sim.Count(plextvsim.RefreshJWT)
	b.sim.SetJWTLifetime(week)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if s := b.account.Fresh(b.soon()); s.Credentials.Token.Reveal() == old {
				t.Error("a token that is too short is handed out")
			}
		})
	}
	all.Wait()
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked != 1 {
		t.Errorf("plex.tv was asked %d times", asked)
	}
}

// Without plex.tv the old token is better than none, and nobody waits twice.
func TestAShortTokenWithoutPlexTv(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.JWTLifetime = 4 * time.Minute })
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.Fail(plextvsim.Fault{Status: http.StatusServiceUnavailable, RetryAfter: "600"})
	before := b.sim.Count(plextvsim.Any)
	for range 3 {
		equal(t, "the old token is given", b.account.Fresh(b.soon()).Credentials.Token.Reveal() == old, true)
	}
	if asked := b.sim.Count(plextvsim.Any) - before; asked > 2 {
		t.Errorf("plex.tv was asked %d times", asked)
	}
}

func TestABoxThatWasOffForLongRecovers(t *testing.T) {
	for _, status := range []int{498, 401} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := newBox(t, withDeviceKey, func(s *setup) { s.sim.ExpiredStatus = status })
			b.claimed(auth.PinOptions{})
			old := b.token()
			b.restart(30 * 24 * time.Hour)
			b.await(in(auth.SignedIn))
			if b.token() == old {
				t.Error("the token is the old one")
			}
			b.isBound()
			equal(t, "works", b.works(), true)
		})
	}
}

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

// A token that plex.tv takes and will not renew is used to its end, without
// asking for another one all the time.
func TestARenewalThatPlexTvRefuses(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.auth.CheckEvery = 0 })
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Status: 422})
	b.toRenewal()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 24 {
		b.tick(time.Hour)
		b.idle()
	}
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked < 3 || asked > 5 {
		t.Errorf("asked %d times in a day", asked)
	}
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	b.sim.Clear()
	b.toRenewal()
	b.isBound()
	equal(t, "works", b.works(), true)
}

func TestARemovedDeviceIsNoticedByValidate(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.must(b.sim.RemoveDevice(b.disk().ClientID))
	good, err := b.account.Validate(b.soon())
	b.must(err)
	equal(t, "good", good, false)
	equal(t, "after one answer", b.account.Snapshot().State, auth.SignedIn)
	b.tick(confirmAfter)
	equal(t, "told", *b.await(authChanged).Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
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
	b.tick(confirmAfter)
	equal(t, "told", *b.await(authChanged).Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
}

func TestPlexTvChangesItsKeys(t *testing.T) {
	for name, old := range map[string]plextvsim.OldKeys{
		"listed": plextvsim.OldKeysListed, "hidden": plextvsim.OldKeysHidden, "dropped": plextvsim.OldKeysDropped,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, withDeviceKey)
			b.claimed(auth.PinOptions{})
			b.sim.RotateKeys(old)
			good, err := b.account.Validate(b.soon())
			b.must(err)
			equal(t, "good", good, true)
			b.must(b.account.Renew(b.soon()))
			b.isBound()
			equal(t, "works", b.works(), true)
			for _, e := range b.unread() {
				equal(t, "told", e.Auth, nil)
			}
		})
	}
}

// A device key that somebody else has signed in with meanwhile gives that
// person's token.
func TestTheTokenOfAnotherAccountIsNotTaken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.NextJWT(func(jwt *plextvsim.JWT) { jwt.Claims["user"] = map[string]any{"id": 7} })
	if err := b.account.Renew(b.soon()); auth.CodeOf(err) != auth.AuthInvalid {
		t.Errorf("renewal: %v", err)
	}
	equal(t, "the old token is held", b.token() == old, true)
}

func TestABoundTokenCannotBeBroughtIn(t *testing.T) {
	other, b := newBox(t, withDeviceKey), newBox(t)
	other.claimed(auth.PinOptions{})
	err := b.account.Store(b.soon(), auth.Credentials{Token: secret.New(other.token())})
	wantCode(t, "Store", err, auth.InvalidArgs)
	// What was handed out may come back.
	held := *other.account.Snapshot().Credentials
	other.must(other.account.Store(other.soon(), auth.Credentials{Token: held.Token}))
	other.isBound()
	equal(t, "expires", other.account.Snapshot().TokenExpiresAt, held.ExpiresAt)
}

func TestSignOutWithAnExpiredToken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.must(b.sim.Refuse(b.token(), 498))
	revoked, err := b.account.SignOut(b.soon())
	b.must(err)
	equal(t, "revoked", revoked, true)
	state := b.disk()
	if state.Auth != nil || state.DeviceKey == nil {
		t.Error("the key goes with the client identifier, and the account goes without it")
	}
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
	b.must(writeFile(b.path, strings.Replace(string(b.file()), kid, kid[:20], 1)))
	b.options.Store = statefile.Open(b.path, b.clock)
	b.open()
	equal(t, "state", b.account.Snapshot().State, auth.Expired)
	b.told(auth.MessageStateCorrupt, "set_aside=")
	b.claimed(auth.PinOptions{})
	b.isBound()
}
