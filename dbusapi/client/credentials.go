// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"iter"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// tokenHeader carries the token in a request to Plex.
const tokenHeader = "X-Plex-Token"

// User is a person with a Plex account.
type User struct {
	ID         string `json:"id"`
	UUID       string `json:"uuid"`
	Username   string `json:"username"`
	Title      string `json:"title"` // the name to be shown
	Email      string `json:"email"`
	Thumb      string `json:"thumb"`      // address of the avatar
	HomeAdmin  bool   `json:"home_admin"` // runs a Plex Home
	Restricted bool   `json:"restricted"` // a managed user of a Plex Home
}

// Credentials are what the daemon keeps for the signed-in user.
type Credentials struct {
	Token                          secret.String
	UserID, Username, Email, Thumb string
	IssuedAt, ExpiresAt            time.Time // zero when not known
	SelectedServer                 Server
}

// Headers are those of a request to plex.tv or to a media server.
type Headers struct {
	Identity map[string]string // Accept and the X-Plex-* headers that are no secret
	Token    secret.String     // X-Plex-Token; zero when nobody is signed in
}

// All yields the name and value of every header, the token's among them:
//
//	for name, value := range headers.All() {
//		request.Header.Set(name, value)
//	}
func (h Headers) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, value := range h.Identity {
			if !yield(name, value) {
				return
			}
		}
		if !h.Token.IsZero() {
			yield(tokenHeader, h.Token.Reveal())
		}
	}
}

// Token gives the token: [AuthRequired] when nobody is signed in, [AuthInvalid]
// when plex.tv has refused the token that is held. One that is about to end is
// renewed first: ask each time instead of keeping it.
func (c *Client) Token(ctx context.Context) (secret.String, error) {
	var token string
	err := c.call(ctx, names.Credentials, "GetToken", nil, &token)
	return secret.New(token), err
}

// CurrentUser returns who uses the box: the user who signed in, or the user of the
// Plex Home that [Client.SwitchUser] switched to. It is the zero User when nobody
// is signed in.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	var values map[string]dbus.Variant
	err := c.call(ctx, names.Credentials, "GetCurrentUser", nil, &values)
	var u User
	for key, field := range map[string]any{
		"id": &u.ID, "uuid": &u.UUID, "username": &u.Username, "title": &u.Title, "email": &u.Email,
		"thumb": &u.Thumb, "home_admin": &u.HomeAdmin, "restricted": &u.Restricted,
	} {
		read(values, key, field)
	}
	return u, err
}

// Headers gives the headers for a request to plex.tv. For a media server there is
// [Client.ServerHeaders].
func (c *Client) Headers(ctx context.Context) (Headers, error) {
	return c.headers(ctx, "GetAuthHeaders")
}

// StoredCredentials gives what is kept for the signed-in user; the zero
// Credentials when nobody is.
func (c *Client) StoredCredentials(ctx context.Context) (Credentials, error) {
	var values map[string]dbus.Variant
	err := c.call(ctx, names.Credentials, "GetStoredCredentials", nil, &values)
	var stored Credentials
	var token string
	read(values, "token", &token)
	stored.Token = secret.New(token)
	for key, field := range stored.texts() {
		read(values, key, field)
	}
	for key, field := range stored.times() {
		readTime(values, key, field)
	}
	return stored, err
}

// StoreCredentials signs in with a token from elsewhere. Only the token is
// required; the daemon asks plex.tv for the rest. A token that plex.tv refuses
// is [AuthInvalid], and the old credentials stay.
func (c *Client) StoreCredentials(ctx context.Context, given Credentials) error {
	values := map[string]dbus.Variant{"token": dbus.MakeVariant(given.Token.Reveal())}
	for key, field := range given.texts() {
		values[key] = dbus.MakeVariant(*field)
	}
	for key, field := range given.times() {
		if !field.IsZero() {
			values[key] = dbus.MakeVariant(field.Unix())
		}
	}
	return c.call(ctx, names.Credentials, "StoreCredentials", []any{values})
}

// texts gives the fields that travel as text, by key.
func (c *Credentials) texts() map[string]*string {
	return map[string]*string{
		"user_id": &c.UserID, "username": &c.Username, "email": &c.Email, "thumb": &c.Thumb,
		"selected_server_id": &c.SelectedServer.MachineID, "selected_server_uri": &c.SelectedServer.URI,
	}
}

// times gives the fields that travel as times, by key.
func (c *Credentials) times() map[string]*time.Time {
	return map[string]*time.Time{"issued_at": &c.IssuedAt, "expires_at": &c.ExpiresAt}
}

// ValidateToken asks plex.tv whether it takes a token. What is stored stays as it is.
func (c *Client) ValidateToken(ctx context.Context, token secret.String) (valid bool, err error) {
	err = c.call(ctx, names.Credentials, "ValidateToken", []any{token.Reveal()}, &valid)
	return valid, err
}

// ClearCredentials forgets the credentials on this box. Doing it twice is not an error.
func (c *Client) ClearCredentials(ctx context.Context) error {
	return c.call(ctx, names.Credentials, "ClearCredentials", nil)
}

// SignOut forgets the credentials on this box and asks plex.tv to revoke the
// token. revoked tells whether plex.tv confirmed that.
func (c *Client) SignOut(ctx context.Context) (revoked bool, err error) {
	err = c.call(ctx, names.Credentials, "SignOut", nil, &revoked)
	return revoked, err
}

// SelectServer remembers the media server that the user chose, until the
// credentials are cleared. The zero Server means none.
func (c *Client) SelectServer(ctx context.Context, s Server) error {
	return c.call(ctx, names.Credentials, "SelectServer", []any{s.MachineID, s.URI})
}
