// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func likeJWTs(s *setup) { s.sim.TokensLikeJWTs = true }

// What the state says of the device key decides, not what the token looks like.
func TestATokenThatLooksLikeAJWTOutlivesARestart(t *testing.T) {
	h := newHousehold(t, likeJWTs)
	token, client := h.token(), h.disk().ClientID
	equal(t, "looks like a JWT", strings.HasPrefix(token, "eyJ"), true)
	equal(t, "mode", h.account.Snapshot().Mode, auth.ModeLegacy)
	for range 2 {
		h.restart(0)
		h.reaches(auth.SignedIn)
		equal(t, "the token is kept", h.token() == token, true)
		equal(t, "client identifier", h.disk().ClientID, client)
		equal(t, "mode", h.account.Snapshot().Mode, auth.ModeLegacy)
	}
	servers, err := h.account.ListServers(h.soon())
	h.must(err)
	equal(t, "servers", len(servers) > 0, true)
	for _, s := range servers {
		equal(t, s.Name+" opens", h.serverOpens(s.MachineID), true)
	}
	h.must(h.switchTo(h.child, childPin))
	h.restart(0)
	h.reaches(auth.SignedIn)
	h.must(h.switchTo(h.admin, adminPin))
	equal(t, "the token of the sign-in is back", h.token() == token, true)
}

// Moving to a device key goes on from such a token as from any other.
func TestATokenThatLooksLikeAJWTMovesToADeviceKey(t *testing.T) {
	b := newBox(t, likeJWTs)
	b.claimed(auth.PinOptions{})
	b.options.Settings.Mode = auth.ModeJWT
	b.must(b.account.Configure(b.soon(), b.options.Settings))
	b.await(func(e auth.Event) bool { return e.Snapshot.Mode == auth.ModeJWT })
	b.isBound()
	client := b.disk().ClientID
	b.restart(0)
	b.reaches(auth.SignedIn)
	equal(t, "client identifier", b.disk().ClientID, client)
	equal(t, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
}

// A state from before it said which key a token is bound to.
func TestAStateThatNamesNoKeyOfTheToken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.close()
	kid := b.disk().DeviceKey.Kid
	user := b.string(b.file(), "[plexauthd_user]")
	b.must(writeFile(b.path, strings.Replace(string(b.file()), user, strings.Replace(user, "kid = \""+kid+"\"\n", "", 1), 1)))
	b.open()
	b.reaches(auth.SignedIn)
	equal(t, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
	b.must(b.account.Close(b.soon()))
}

// string gives the table of a file.
func (b *box) string(file []byte, table string) string {
	b.Helper()
	from := strings.Index(string(file), table)
	if from < 0 {
		b.Fatalf("no %s in the file", table)
	}
	text := string(file)[from:]
	if end := strings.Index(text[1:], "\n["); end >= 0 {
		text = text[:end+1]
	}
	return text
}

// plex.tv could not say who has signed in, and then the box is switched to that
// very person.
func TestASwitchToWhoSignedInWithoutAName(t *testing.T) {
	for name, answers := range map[string]bool{"plex.tv can say it now": true, "plex.tv can say it later": false} {
		t.Run(name, func(t *testing.T) {
			h := newNamelessHousehold(t)
			if answers {
				h.sim.Clear()
			}
			s, own := &sufferer{box: h.box}, h.token()
			h.must(s.call(func(ctx context.Context) error {
				return h.account.SwitchUser(ctx, h.admin, secret.New(adminPin))
			}))
			equal(t, "user", h.account.Snapshot().User.Username, "ann")
			h.sim.Clear()
			h.passUntil(func(e auth.Event) bool { return named(e) && e.Snapshot.Headers["X-Plex-Token"] == own }, interval)
			state := h.disk()
			equal(t, "user", state.Auth.Username, "ann")
			equal(t, "user id is known", state.Auth.UserID != "", true)
			// The child's turn and back: the sign-in's token is used again.
			h.must(h.switchTo(h.child, childPin))
			equal(t, "who signed in", h.disk().Owner.UserID, state.Auth.UserID)
			h.must(h.switchTo(h.admin, adminPin))
			equal(t, "who signed in is back", h.disk().Auth.Token.Equal(state.Auth.Token), true)
			equal(t, "no owner besides", h.disk().Owner == nil, true)
		})
	}
}

// newNamelessHousehold has signed in, but plex.tv does not say as whom.
func newNamelessHousehold(t *testing.T) *household {
	t.Helper()
	b := newBox(t)
	admin := b.sim.AddUser(plextvsim.User{Username: "ann", PIN: adminPin})
	child, err := b.sim.AddHomeUser(admin, plextvsim.User{Title: "Ben", Restricted: true, PIN: childPin})
	b.must(err)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: 500})
	b.unread()
	b.must(b.sim.Claim(b.pair(auth.PinOptions{}).Code, ""))
	b.passUntil(authChanged, interval)
	equal(t, "user", *b.account.Snapshot().User, auth.User{})
	users, err := b.account.ListUsers(b.soon())
	b.must(err)
	h := &household{box: b, child: child}
	for _, u := range users {
		if u.Admin {
			h.admin = u.UUID
		}
	}
	h.must(h.account.SelectServer(h.soon(), auth.Server{}))
	return h
}
