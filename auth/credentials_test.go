// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func living() auth.Server {
	return auth.Server{MachineID: "abc", URI: "https://10-0-0-2.abc.plex.direct:32400"}
}

func TestStoreOfSomebodyElsesToken(t *testing.T) {
	b := newBox(t)
	token := b.sim.AddUser(plextvsim.User{ID: 42})
	err := b.account.Store(b.soon(), auth.Credentials{Token: secret.New(token), UserID: "7"})
	wantCode(t, "Store", err, auth.InvalidArgs)
	equal(t, "state", b.account.Snapshot().State, auth.SignedOut)
}

func TestStoreFillsInWhatIsMissing(t *testing.T) {
	alice := plextvsim.User{
		ID: 42, UUID: "0123456789abcdef", Username: "alice", Title: "Alice", Email: "alice@example.com",
		Thumb: "https://plex.tv/a.png", HomeAdmin: true, Token: "alices-token",
	}
	now := time.Now().UTC().Truncate(time.Second)
	token := secret.New(alice.Token)
	filled := auth.Credentials{
		Token: token, UserID: "42", Username: "alice", Email: alice.Email, Thumb: alice.Thumb,
	}
	full := auth.Credentials{
		Token: token, UserID: "42", Username: "al", Email: "al@example.com", Thumb: "https://x/y",
		IssuedAt: now, ExpiresAt: now.Add(48 * time.Hour),
		ServerMachineID: living().MachineID, ServerURI: living().URI,
	}
	for name, test := range map[string]struct{ given, want auth.Credentials }{
		"token alone": {auth.Credentials{Token: token}, filled},
		"all":         {full, full},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.sim.AddUser(alice)
			if test.want.IssuedAt.IsZero() {
				test.want.IssuedAt = b.start
			}
			b.must(b.account.Store(b.soon(), test.given))
			e := b.await(authChanged)
			equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
			equal(t, "state", e.Snapshot.State, auth.SignedIn)
			equal(t, "credentials", *e.Snapshot.Credentials, test.want)
			equal(t, "server", e.Snapshot.Server, auth.Server{MachineID: test.want.ServerMachineID, URI: test.want.ServerURI})
			equal(t, "expiry", e.Snapshot.TokenExpiresAt, test.want.ExpiresAt)
			equal(t, "user", *e.Snapshot.User, auth.User{
				ID: test.want.UserID, UUID: alice.UUID, Username: test.want.Username, Title: "Alice",
				Email: test.want.Email, Thumb: test.want.Thumb, HomeAdmin: true,
			})
			got, err := b.account.Token()
			b.must(err)
			equal(t, "token", got.Reveal(), alice.Token)
			b.restart(0)
			equal(t, "credentials after a restart", b.account.Snapshot().Credentials.ExpiresAt, test.want.ExpiresAt)
		})
	}
}

func TestStoreWhenPlexTvDoesNotSayYes(t *testing.T) {
	portal := plextvsim.CaptivePortal()
	busy := plextvsim.Fault{Status: 503, RetryAfter: "60"}
	limited := plextvsim.Fault{Status: 429, RetryAfter: "60"}
	for name, test := range map[string]struct {
		fault plextvsim.Fault
		named bool      // the caller knows whose token it is
		code  auth.Code // "" is stored, unverified
	}{
		"401, named":      {plextvsim.Fault{Status: 401}, true, auth.AuthInvalid},
		"401, unnamed":    {plextvsim.Fault{Status: 401}, false, auth.AuthInvalid},
		"422, named":      {plextvsim.Fault{Status: 422}, true, auth.AuthInvalid},
		"403, named":      {plextvsim.Fault{Status: 403}, true, auth.Forbidden},
		"400, named":      {plextvsim.Fault{Status: 400}, true, auth.InvalidResponse},
		"portal, named":   {portal, true, ""},
		"portal, unnamed": {portal, false, auth.InvalidResponse},
		"busy, named":     {busy, true, ""},
		"busy, unnamed":   {busy, false, auth.ServerError},
		"429, named":      {limited, true, ""},
		"429, unnamed":    {limited, false, auth.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.signIn(plextvsim.User{Username: "alice"})
			before := b.account.Snapshot()
			bob := auth.Credentials{Token: secret.New(b.sim.AddUser(plextvsim.User{ID: 7, Username: "bob", Email: "bob@x"}))}
			if test.named {
				bob.UserID, bob.Username = "7", "bob"
			}
			b.sim.Fail(test.fault)
			err := b.account.Store(b.soon(), bob)
			if test.code != "" {
				wantCode(t, "Store", err, test.code)
				equal(t, "snapshot", b.account.Snapshot(), before)
				return
			}
			if err == nil {
				t.Error("a token that nobody has checked has replaced one")
			}
			equal(t, "snapshot", b.account.Snapshot(), before)
			b.takesUnchecked(bob)
		})
	}
}

// takesUnchecked stores what plex.tv cannot be asked about, on a box where nobody is
// signed in, and has it checked later.
func (b *box) takesUnchecked(bob auth.Credentials) {
	b.Helper()
	b.must(b.account.Clear(b.soon()))
	b.await(authChanged)
	b.must(b.account.Store(b.soon(), bob))
	e := b.await(authChanged)
	equal(b, "state", e.Snapshot.State, auth.Unverified)
	equal(b, "user", *e.Snapshot.User, auth.User{ID: "7", Username: "bob"})
	b.idle()
	b.sim.Clear()
	b.tick(2 * time.Minute)
	e = b.await(in(auth.SignedIn))
	equal(b, "address that was missing", e.Snapshot.User.Email, "bob@x")
}

func TestClearForgets(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	for range 2 {
		b.must(b.account.Clear(b.soon()))
	}
	events := b.unread()
	if len(events) != 1 || *events[0].Auth != (auth.AuthChange{Reason: auth.ReasonSignedOut}) {
		t.Fatalf("events %v, want one of signing out", events)
	}
	now := b.account.Snapshot()
	equal(t, "state", now.State, auth.SignedOut)
	if now.Credentials != nil || now.User != nil || now.Authenticated || bytes.Contains(b.file(), []byte(token)) {
		t.Errorf("still known: %+v", now)
	}
	_, err := b.account.Token()
	wantCode(t, "Token", err, auth.AuthRequired)
	_, err = b.account.Validate(b.soon())
	wantCode(t, "Validate", err, auth.AuthRequired)
	wantCode(t, "SelectServer", b.account.SelectServer(b.soon(), living()), auth.AuthRequired)
	good, err := b.account.ValidateToken(b.soon(), secret.New(token))
	if !good || err != nil {
		t.Errorf("the token was only to be forgotten: %v, %v", good, err)
	}
}

func TestSignOut(t *testing.T) {
	for name, test := range map[string]struct {
		trouble func(b *box, token string)
		pauses  int
		revoked bool
	}{
		"plex.tv agrees":                 {func(*box, string) {}, 0, true},
		"plex.tv has revoked it already": {func(b *box, token string) { b.must(b.sim.Revoke(token)) }, 0, true},
		"plex.tv is busy":                {func(b *box, _ string) { b.sim.Fail(plextvsim.Fault{Status: 503, RetryAfter: "60"}) }, 0, false},
		"plex.tv cannot be reached":      {func(b *box, _ string) { b.server.Close() }, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			token := b.signIn(plextvsim.User{})
			test.trouble(b, token)
			revoked, err := b.retrying(test.pauses, func() (bool, error) { return b.account.SignOut(b.soon()) })
			b.must(err)
			equal(t, "revoked", revoked, test.revoked)
			e := b.await(authChanged)
			equal(t, "change", *e.Auth, auth.AuthChange{Reason: auth.ReasonSignedOut})
			equal(t, "state", b.account.Snapshot().State, auth.SignedOut)
			equal(t, "token on disk", bytes.Contains(b.file(), []byte(token)), false)
			if test.revoked {
				good, err := b.account.ValidateToken(b.soon(), secret.New(token))
				b.must(err)
				equal(t, "token is good at plex.tv", good, false)
			}
			before := len(b.asked(plextvsim.SignOut))
			revoked, err = b.account.SignOut(b.soon())
			b.must(err)
			equal(t, "revoked when signed out", revoked, false)
			equal(t, "requests when signed out", len(b.asked(plextvsim.SignOut))-before, 0)
		})
	}
}

func TestRevokingGoesOnWhenTheCallerLeaves(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SignOut, Status: 503, Times: 1})
	ctx, leave := context.WithCancel(b.soon())
	done := make(chan bool, 1)
	go func() {
		revoked, err := b.account.SignOut(ctx)
		done <- revoked || err != nil
	}()
	b.idle() // between two tries
	equal(t, "state before plex.tv has agreed", b.account.Snapshot().State, auth.SignedOut)
	leave()
	equal(t, "revoked as far as is known", <-done, false)
	b.tick(time.Second)
	b.answered(2, plextvsim.SignOut)
	requests := b.sim.Requests()
	equal(t, "status", requests[len(requests)-1].Status, http.StatusNoContent)
}

func TestTheServerBelongsToTheUser(t *testing.T) {
	pair := func(b *box, owner string) {
		b.must(b.sim.Claim(b.pair(auth.PinOptions{}).Code, owner))
		_, _, err := b.account.CheckPin(b.soon(), b.account.Snapshot().Pairing.ID)
		b.must(err)
	}
	for name, test := range map[string]struct {
		then func(b *box, alice, bob string)
		kept bool
	}{
		"claimed by the same user": {func(b *box, alice, _ string) { pair(b, alice) }, true},
		"claimed by another":       {func(b *box, _, bob string) { pair(b, bob) }, false},
		"token of the same user": {func(b *box, alice, _ string) {
			b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(alice)}))
		}, true},
		"token of another": {func(b *box, _, bob string) {
			b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(bob)}))
		}, false},
		"signed out": {func(b *box, alice, _ string) {
			b.must(b.account.Clear(b.soon()))
			pair(b, alice)
		}, false},
		"taken back": {func(b *box, _, _ string) { b.must(b.account.SelectServer(b.soon(), auth.Server{})) }, false},
		"restart":    {func(b *box, _, _ string) { b.restart(0) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			alice := b.signIn(plextvsim.User{Username: "alice"})
			b.must(b.account.SelectServer(b.soon(), living()))
			equal(t, "selected", b.account.Snapshot().Server, living())
			test.then(b, alice, b.sim.AddUser(plextvsim.User{Username: "bob"}))
			want := auth.Server{}
			if test.kept {
				want = living()
			}
			equal(t, "server", b.account.Snapshot().Server, want)
			kept := b.disk().Auth
			equal(t, "server on disk", auth.Server{MachineID: kept.SelectedServerID, URI: kept.SelectedServerURI}, want)
		})
	}
}

func TestPlexTvAndCallersGetTheSameHeaders(t *testing.T) {
	b := newBox(t)
	b.must(b.sim.Claim(b.pair(auth.PinOptions{}).Code, ""))
	b.tick(interval)
	e := b.await(authChanged)
	want := map[string]string{
		"Accept":                   "application/json",
		"X-Plex-Client-Identifier": b.disk().ClientID,
		"X-Plex-Product":           "Retune", "X-Plex-Version": "1.2.3",
		"X-Plex-Platform": "Linux", "X-Plex-Platform-Version": "6.12",
		"X-Plex-Device": "TV Box", "X-Plex-Device-Name": "Wohnzimmer + Küche",
	}
	signedIn := maps.Clone(want)
	signedIn["X-Plex-Token"] = e.Snapshot.Credentials.Token.Reveal()
	if !maps.Equal(e.Snapshot.Headers, signedIn) {
		t.Errorf("headers when signed in: %v", e.Snapshot.Headers)
	}
	_, err := b.account.SignOut(b.soon())
	b.must(err)
	if got := b.account.Snapshot().Headers; !maps.Equal(got, want) {
		t.Errorf("headers when signed out: %v", got)
	}
	for _, r := range b.sim.Requests() {
		sent := make(map[string]string)
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Plex-") || name == "Accept" {
				sent[name] = r.Header.Get(name)
			}
		}
		expected := want
		if r.Endpoint == plextvsim.GetUser || r.Endpoint == plextvsim.SignOut {
			expected = signedIn
		}
		if !maps.Equal(sent, expected) {
			t.Errorf("%s was sent %v", r.Endpoint, sent)
		}
	}
	equal(t, "requests", len(b.sim.Requests()), 4)
}
