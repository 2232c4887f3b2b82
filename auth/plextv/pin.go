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

// longestPin bounds what an answer can claim: plex.tv's PINs live 15 or 30
// minutes.
const longestPin = 24 * time.Hour

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
// Plex". strong asks for a long code. It tries up to 3 times; its errors are
// [*Error], or ctx's if that has ended.
func (c *Client) RequestPin(ctx context.Context, id Identity, strong bool) (Pin, error) {
	r := request{
		op: "asking plex.tv for a PIN", method: http.MethodPost,
		path: "/api/v2/pins", identity: id, success: []int{http.StatusCreated, http.StatusOK},
	}
	if strong {
		r.query = url.Values{"strong": {"true"}}
	}
	return c.newPin(ctx, r)
}

// RequestPinWithKey asks for a new PIN whose token will be bound to a device
// key, of which jwk is the public JWK. Plex documents it with strong alone;
// that plex.tv gives short codes as well is known from two clients that ask for
// them. It tries up to 3 times, as a PIN too many just lapses; its errors are
// [*Error], or ctx's if that has ended.
func (c *Client) RequestPinWithKey(ctx context.Context, id Identity, jwk json.RawMessage, strong bool) (Pin, error) {
	r := request{
		op: "asking plex.tv for a PIN with a device key", method: http.MethodPost,
		path: "/api/v2/pins", identity: id, success: []int{http.StatusCreated, http.StatusOK},
	}
	var err error
	if r.content, err = keyContent(r.op, jwk, strong); err != nil {
		return Pin{}, err
	}
	return c.newPin(ctx, r)
}

func (c *Client) newPin(ctx context.Context, r request) (pin Pin, err error) {
	err = c.retry(ctx, r, func(a answer) (err error) {
		pin, err = readPin(a)
		return err
	})
	return pin, err
}

// CheckPin asks whether the PIN has been claimed. id must be the identity
// that requested it. It tries once, as callers poll; its errors are [*Error]
// ([Gone] once the PIN has expired), or ctx's if that has ended.
func (c *Client) CheckPin(ctx context.Context, id Identity, pinID secret.String) (Pin, error) {
	return c.checkPin(ctx, request{
		op: "checking a PIN at plex.tv", method: http.MethodGet,
		path: "/api/v2/pins/{id}", id: pinID, identity: id, success: []int{http.StatusOK},
	})
}

// CheckPinWithKey is CheckPin for a PIN with a device key. deviceJWT is signed
// by that key; it needs no nonce. [Stale] or [Rejected] may mean that the time
// in it is wrong, [KeyUnknown] that plex.tv does not know the key: which answers
// plex.tv gives here is not documented.
func (c *Client) CheckPinWithKey(ctx context.Context, id Identity, pinID, deviceJWT secret.String) (Pin, error) {
	r := request{
		op: "checking a PIN with a device key at plex.tv", method: http.MethodGet,
		path: "/api/v2/pins/{id}", id: pinID, identity: id, success: []int{http.StatusOK},
		query: url.Values{"deviceJWT": {deviceJWT.Reveal()}}, hidden: []secret.String{deviceJWT}, meanings: keyMeanings(),
	}
	if !isJWT(deviceJWT) {
		return Pin{}, r.unsent("this is no device JWT")
	}
	return c.checkPin(ctx, r)
}

func (c *Client) checkPin(ctx context.Context, r request) (pin Pin, err error) {
	if !isID(r.id.Reveal()) {
		return Pin{}, r.unsent("this is no PIN id")
	}
	err = c.ask(ctx, r, func(a answer) (err error) {
		pin, err = readPin(a)
		return err
	})
	return pin, err
}

func readPin(a answer) (Pin, error) {
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
		return Pin{}, errors.New("the PIN has no usable id")
	}
	code, err := body.Code.word("code", maxCode)
	if err != nil {
		return Pin{}, err
	}
	if code == "" {
		return Pin{}, errors.New("the PIN has no code")
	}
	token, err := readToken("authToken", body.AuthToken)
	if err != nil {
		return Pin{}, err
	}
	left, known := timeLeft(body.ExpiresIn, body.ExpiresAt, a.now)
	// A claimed PIN may be read once only: its token must not be lost over
	// a missing expiry.
	if !known && token.IsZero() {
		return Pin{}, errors.New("the PIN does not say when it expires")
	}
	return Pin{ID: secret.New(id), Code: code, ExpiresIn: left, Token: token}, nil
}

// readToken takes nothing but a string for a token: "false" from a boolean
// must not become one.
func readToken(field string, value loose) (secret.String, error) {
	if value.form != 0 && value.form != '"' {
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
