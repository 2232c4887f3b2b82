// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// NonceLifetime is how long plex.tv says that a nonce can be used.
const NonceLifetime = 5 * time.Minute

// issuedAtLeeway is how far ahead the clock of a device may be.
const issuedAtLeeway = time.Minute

// nonce is one that was given out.
type nonce struct {
	text  string
	until time.Time
}

func (s *Sim) getNonce(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.nonces) > 0 && !x.now.Before(s.nonces[0].until) {
		delete(s.unused, s.nonces[0].text)
		s.nonces = s.nonces[1:]
	}
	n := nonce{randomText(tokenAlphabet, 32), x.now.Add(NonceLifetime)}
	s.nonces = append(s.nonces, n)
	s.unused[n.text] = n.until
	return reply{http.StatusOK, jsonOnly{map[string]string{"nonce": n.text}}}
}

// useNonce tells whether a nonce could still be used; from now on it cannot.
func (s *Sim) useNonce(text string, now time.Time) bool {
	until, unused := s.unused[text]
	delete(s.unused, text)
	return unused && now.Before(until)
}

func (s *Sim) registerKey(x *exchange) reply {
	var body struct{ JWK json.RawMessage }
	key, err := (*deviceKey)(nil), x.decode(&body)
	if err == nil {
		key, err = parseKey(body.JWK)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session, refusal := s.authenticate(x)
	switch {
	case session == nil:
		return refusal
	case err != nil:
		return refuse(codeMalformed)
	case s.keyOwner(key) != nil:
		return s.thumbprintTaken()
	}
	if session.device == nil {
		s.addSession(s.deviceOf(x.client(), session.user), session)
	}
	session.device.user = session.user
	s.bindKey(session.device, key)
	x.log = "a device of " + session.user.Username + " registered a key"
	if s.options.KeyBody == "" {
		return reply{status: http.StatusCreated}
	}
	return reply{http.StatusCreated, jsonOnly{json.RawMessage(s.options.KeyBody)}}
}

// refreshJWT gives a Plex JWT for a device JWT.
func (s *Sim) refreshJWT(x *exchange) reply {
	var body struct{ JWT string }
	if err := x.decode(&body); err != nil || body.JWT == "" {
		return refuse(codeMalformed)
	}
	jwt, err := parseJWT(body.JWT)
	if err != nil {
		return s.badSignature()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[jwt.claims.Issuer]
	if d == nil || d.key == nil {
		return s.noKey()
	}
	if refusal, refused := s.refuseDeviceJWT(x, jwt, d.key); refused {
		return refusal
	}
	if !s.useNonce(jwt.claims.Nonce, x.now) {
		return s.unprocessable("Nonce is invalid")
	}
	return reply{http.StatusOK, jsonOnly{map[string]string{"auth_token": s.issueJWT(d, x)}}}
}

// refuseDeviceJWT checks what a device JWT has to be for every use.
func (s *Sim) refuseDeviceJWT(x *exchange, jwt *parsedJWT, key *deviceKey) (refusal reply, refused bool) {
	claims, now := jwt.claims, x.plexTime()
	switch {
	case !jwt.signedBy(key.id, key.public), !jwt.isFor(issuer), claims.Issuer != x.client():
		return s.badSignature(), true
	case claims.NotBefore != nil && before(now, *claims.NotBefore):
		return s.badSignature(), true
	case claims.IssuedAt != nil && !s.options.FutureIssuedAt && before(now.Add(issuedAtLeeway), *claims.IssuedAt):
		return s.badSignature(), true
	case claims.Expires != nil && !before(now, *claims.Expires):
		return s.expired(), true
	}
	return reply{}, false
}

// looksLikeJWT tells JWTs, which begin with an encoded {", from opaque tokens.
func looksLikeJWT(token string) bool { return strings.HasPrefix(token, "eyJ") }

// badSignature is the documented answer to a device JWT that does not verify.
func (s *Sim) badSignature() reply { return s.unprocessable("Signature verification failed") }

// thumbprintTaken is the documented answer to a key that is registered already.
func (s *Sim) thumbprintTaken() reply { return s.unprocessable("Thumbprint has already been taken") }

// unprocessable is a 422 that is not about the account's token.
func (s *Sim) unprocessable(message string) reply {
	return s.withoutCode(http.StatusUnprocessableEntity, message)
}

// expired is the answer to a JWT that was good once.
func (s *Sim) expired() reply {
	if s.options.ExpiredStatus == http.StatusUnauthorized {
		return refuse(codeNoUser)
	}
	return s.withoutCode(s.options.ExpiredStatus, "JWT has expired")
}

// noKey is the answer to a device JWT of a device without a key.
func (s *Sim) noKey() reply {
	return refuseWith(codeNoKey, s.options.NoKeyStatus)
}

// withoutCode is an error whose code is not known, if it has one.
func (s *Sim) withoutCode(status int, message string) reply {
	if s.options.BareErrors {
		return reply{status: status}
	}
	return apiError{Message: message, Status: status}.reply()
}
