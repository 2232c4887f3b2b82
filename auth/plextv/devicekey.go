// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// maxNonce bounds a nonce. Plex shows a UUID.
const maxNonce = 512

// codeKeyUnknown is plex.tv's, see [KeyUnknown].
const codeKeyUnknown = 1097

func keyMeanings() map[int]Kind { return map[int]Kind{codeKeyUnknown: KeyUnknown} }

// RegisterKey binds a device key, of which jwk is the public JWK, to the device
// of a token that is not bound to one yet. As seen in the wild that is the
// device that token was made for, whatever the identity says. The token stays
// good until the first [Client.Exchange]. It tries up to 3 times; its errors
// are [*Error], or ctx's if that has ended. [KeyTaken] may come from an earlier
// try whose answer was lost: an exchange shows whether the key is this device's.
func (c *Client) RegisterKey(ctx context.Context, id Identity, token secret.String, jwk json.RawMessage) error {
	r := request{
		op: "registering a device key at plex.tv", method: http.MethodPost,
		path: "/api/v2/auth/jwk", identity: id, authorized: true, token: token,
		success: []int{http.StatusCreated, http.StatusOK},
	}
	var err error
	if r.content, err = keyContent(r.op, jwk, false); err != nil {
		return err
	}
	err = c.retry(ctx, r, answer.acknowledged)
	var failed *Error
	// Plex documents 422 for a key that is taken, but not what is in the body.
	if errors.As(err, &failed) && failed.Kind == Rejected && failed.Status == http.StatusUnprocessableEntity {
		failed.Kind = KeyTaken
	}
	return err
}

// keyContent is the body by which a PIN or a token gets its key.
func keyContent(op string, jwk json.RawMessage, strong bool) ([]byte, error) {
	content, err := json.Marshal(struct {
		JWK    json.RawMessage `json:"jwk"`
		Strong bool            `json:"strong,omitempty"`
	}{jwk, strong})
	if err != nil || !bytes.HasPrefix(jwk, []byte("{")) {
		return nil, &Error{Op: op, Kind: Rejected, Err: errors.New("not sent: this is no JWK")}
	}
	return content, nil
}

// Nonce asks for the nonce of one [Client.Exchange], good for 5 minutes, as Plex
// documents. It tries up to 3 times, as a nonce too many just lapses; its errors
// are [*Error], or ctx's if that has ended.
func (c *Client) Nonce(ctx context.Context, id Identity) (nonce secret.String, err error) {
	err = c.retry(ctx, request{
		op: "asking plex.tv for a nonce", method: http.MethodGet,
		path: "/api/v2/auth/nonce", identity: id, success: []int{http.StatusOK},
	}, func(a answer) (err error) {
		nonce, err = readNonce(a)
		return err
	})
	return nonce, err
}

func readNonce(a answer) (secret.String, error) {
	var body struct {
		Nonce loose `json:"nonce"`
	}
	if err := a.readJSON(&body); err != nil {
		return secret.String{}, err
	}
	nonce, err := body.Nonce.word("nonce", maxNonce)
	if err != nil {
		return secret.String{}, err
	}
	if nonce == "" {
		return secret.String{}, errors.New("there is no nonce")
	}
	return secret.New(nonce), nil
}

// Exchange gives a device JWT with a nonce for a token of plex.tv that is bound
// to the key, also after the one before has expired, as Plex documents. The
// first one ends the token that the key was registered with. It tries once: a
// nonce counts once, so that another try needs another one. Its errors are
// [*Error], or ctx's if that has ended. [Refused] and [KeyUnknown] mean that
// the device or its key are gone from the account; [Stale] that the time in the
// device JWT is wrong; [Rejected] with status 422 that the signature is.
func (c *Client) Exchange(ctx context.Context, id Identity, deviceJWT secret.String) (token secret.String, err error) {
	r := request{
		op: "exchanging a device JWT at plex.tv", method: http.MethodPost,
		path: "/api/v2/auth/token", identity: id, hidden: []secret.String{deviceJWT},
		success: []int{http.StatusOK, http.StatusCreated}, meanings: keyMeanings(),
	}
	if !isJWT(deviceJWT) {
		return token, r.unsent("this is no device JWT")
	}
	r.content = []byte(`{"jwt":"` + deviceJWT.Reveal() + `"}`)
	err = c.ask(ctx, r, func(a answer) (err error) {
		token, err = readExchange(a)
		return err
	})
	return token, err
}

func readExchange(a answer) (secret.String, error) {
	var body struct {
		AuthToken loose `json:"auth_token"`
	}
	if err := a.readJSON(&body); err != nil {
		return secret.String{}, err
	}
	token, err := readToken("auth_token", body.AuthToken)
	if err == nil && token.IsZero() {
		err = errors.New("there is no token")
	}
	return token, err
}

// SigningKeys asks for the public keys with which plex.tv signs its tokens, as a
// JSON object with the list keys. What is in them is not looked at. It tries up
// to 3 times; its errors are [*Error], or ctx's if that has ended.
func (c *Client) SigningKeys(ctx context.Context, id Identity) (keys json.RawMessage, err error) {
	err = c.retry(ctx, request{
		op: "asking plex.tv for its keys", method: http.MethodGet,
		path: "/api/v2/auth/keys", identity: id, success: []int{http.StatusOK},
	}, func(a answer) error {
		var body struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := a.readJSON(&body); err != nil {
			return err
		}
		if len(body.Keys) == 0 {
			return errors.New("there are no keys")
		}
		keys = a.body
		return nil
	})
	return keys, err
}

// isJWT accepts what needs no escaping, in a URL or in JSON.
func isJWT(token secret.String) bool {
	text := token.Reveal()
	return text != "" && len(text) <= maxToken && strings.Count(text, ".") == 2 &&
		!strings.ContainsFunc(strings.ReplaceAll(text, ".", ""), notBase64URL)
}
