// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// plex.tv's PINs live 15 or 30 minutes.
const (
	shortestPin = 15 * time.Minute // for one that does not say
	longestPin  = 24 * time.Hour   // bounds what an answer can claim
)

// Pin is a pairing at plex.tv.
type Pin struct {
	// ID is plex.tv's number of the PIN. Whoever knows it and the client
	// identifier can fetch the token.
	ID secret.String
	// Code is what a person types at plex.tv/link, or what the sign-in page
	// gets in its URL: 4 characters, 25 if strong.
	Code string
	// ExpiresIn is the time left when plex.tv answered.
	ExpiresIn time.Duration
	// Token is zero until somebody has claimed the PIN.
	Token secret.String
}

// RequestPin asks for a new PIN, as Plex documents under "Authenticating with
// Plex". strong asks for a long code. jwk is the public JWK of the device key
// that the PIN's token will be bound to, nil for none. Plex documents a key with
// strong only; two clients show that plex.tv gives short codes for one too. It
// tries up to 3 times, because a spare PIN just lapses; its errors are [*Error],
// or ctx's if that has ended.
func (c *Client) RequestPin(ctx context.Context, id Identity, jwk json.RawMessage, strong bool) (pin Pin, err error) {
	r := request{
		op: "asking plex.tv for a PIN", method: http.MethodPost,
		path: "/api/v2/pins", identity: id, success: []int{http.StatusCreated, http.StatusOK},
		newPin: true,
	}
	if jwk != nil {
		r.op = "asking plex.tv for a PIN with a device key"
		if r.content, err = keyContent(r.op, jwk, strong); err != nil {
			return Pin{}, err
		}
	} else if strong {
		r.query = url.Values{"strong": {"true"}}
	}
	err = c.retry(ctx, r, func(a answer) (err error) {
		pin, err = readPin(a, true)
		return err
	})
	return pin, err
}

// CheckPin asks whether the PIN has been claimed. id must be the identity
// that requested it, and deviceJWT be signed by the device key that it was
// requested with; zero if there was none. It needs no nonce. CheckPin tries once,
// as callers poll; its errors are [*Error] ([Gone] once the PIN has expired), or
// ctx's if that has ended. With a key [Stale] or [Rejected] may mean that the
// time in deviceJWT is wrong, [KeyUnknown] that plex.tv does not know the key:
// which answers plex.tv gives then is not documented.
func (c *Client) CheckPin(ctx context.Context, id Identity, pinID, deviceJWT secret.String) (pin Pin, err error) {
	r := request{
		op: "checking a PIN at plex.tv", method: http.MethodGet,
		path: "/api/v2/pins/{id}", id: pinID, identity: id, success: []int{http.StatusOK},
		longestPause: time.Minute, // somebody may claim a PIN within the quarter of an hour that it lives
	}
	if !isID(pinID.Reveal()) {
		return Pin{}, r.unsent("this is no PIN id")
	}
	if !deviceJWT.IsZero() {
		r.op, r.meanings = "checking a PIN with a device key at plex.tv", keyMeanings()
		if !isJWT(deviceJWT) {
			return Pin{}, r.unsent("this is no device JWT")
		}
		r.query, r.hidden = url.Values{"deviceJWT": {deviceJWT.Reveal()}}, []secret.String{deviceJWT}
	}
	err = c.ask(ctx, r, func(a answer) (err error) {
		pin, err = readPin(a, false)
		return err
	})
	return pin, err
}

// readPin takes the fields that can be read. A new PIN needs an id and a code; one
// that is claimed needs nothing but its token.
func readPin(a answer, isNew bool) (Pin, error) {
	var body struct {
		ID        loose `json:"id"`
		Code      loose `json:"code"`
		ExpiresIn loose `json:"expiresIn"`
		ExpiresAt loose `json:"expiresAt"`
		AuthToken loose `json:"authToken"`
	}
	if err := a.readJSON(&body); err != nil {
		return Pin{}, err
	}
	id, err := body.ID.word("id", maxCode)
	if err != nil || !isID(id) {
		a.odd("pin.id")
		id = ""
	}
	code, err := body.Code.word("code", maxCode)
	if err != nil {
		a.odd("pin.code")
	}
	token, err := readToken("authToken", body.AuthToken)
	if err != nil {
		a.odd("pin.authToken")
	}
	left, known := timeLeft(body.ExpiresIn, body.ExpiresAt, a.now)
	if token.IsZero() && (!known || isNew && left == 0) { // a new one has not expired
		a.odd("pin.expiresIn")
		left = shortestPin
	}
	switch {
	case !isNew && body.AuthToken.form == '"' && err != nil:
		return Pin{}, err // claimed, with a token that cannot be used: another answer may do
	case !isNew && (!token.IsZero() || id != "" || code != ""):
	case id == "":
		return Pin{}, errors.New("the PIN has no usable id")
	case code == "":
		return Pin{}, errors.New("the PIN has no code")
	}
	return Pin{ID: secret.New(id), Code: code, ExpiresIn: left, Token: token}, nil
}

// readToken takes nothing but a string for a token: "false" from a boolean
// must not become one.
func readToken(field string, value loose) (secret.String, error) {
	if !value.absent() && value.form != '"' {
		return secret.String{}, fmt.Errorf("field %s is not a string", field)
	}
	token, err := value.word(field, maxToken)
	if err != nil {
		return secret.String{}, fmt.Errorf("a token that cannot be used: %w", err)
	}
	return secret.New(token), nil
}

func timeLeft(in, at loose, now time.Time) (time.Duration, bool) {
	if left, ok := in.seconds(longestPin); ok {
		return left, true
	}
	end, err := time.Parse(time.RFC3339, at.text)
	if err != nil {
		return 0, false
	}
	return max(0, min(end.Sub(now), longestPin)), true
}

// isID accepts what cannot lead a path elsewhere.
func isID(id string) bool {
	return id != "" && len(id) <= maxCode && !strings.ContainsFunc(id, notBase64URL)
}

func notBase64URL(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
}
