// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"
)

// JWTLifetime is how long plex.tv says that a Plex JWT is valid.
const JWTLifetime = 7 * 24 * time.Hour

// issuer is plex.tv as JWTs name it, as issuer and as audience.
const issuer = "plex.tv"

// signingKey is a key of plex.tv's.
type signingKey struct {
	id       string
	private  ed25519.PrivateKey
	listed   bool // GET auth/keys names it
	accepted bool // its JWTs are good
}

func (k signingKey) public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

func (k signingKey) sign(input []byte) []byte { return ed25519.Sign(k.private, input) }

func newSigningKey() signingKey {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic("plextvsim: making a key: " + err.Error())
	}
	return signingKey{id: randomText(hexDigits, 32), private: private, listed: true, accepted: true}
}

// OldKeys is what becomes of plex.tv's signing keys when there is a new one.
type OldKeys int

// How plex.tv rotates its keys is not known; these are the ways it could.
const (
	OldKeysListed  OldKeys = iota // still listed, their JWTs are good
	OldKeysHidden                 // listed no more, their JWTs are good
	OldKeysDropped                // listed no more, their JWTs are answered 401
)

// RotateKeys makes plex.tv sign with a new key from now on.
func (s *Sim) RotateKeys(old OldKeys) {
	s.mu.Lock()
	for i := range s.keys {
		s.keys[i].listed = s.keys[i].listed && old == OldKeysListed
		s.keys[i].accepted = s.keys[i].accepted && old != OldKeysDropped
	}
	s.keys = append(s.keys, newSigningKey())
	s.mu.Unlock()
	s.logf("plex.tv signs with a new key")
}

// SetJWTLifetime makes new Plex JWTs valid for so long.
func (s *Sim) SetJWTLifetime(lifetime time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.JWTLifetime = lifetime
}

// JWT is a Plex JWT that is about to be given out.
type JWT struct {
	Header map[string]any
	Claims map[string]any
	// Sign makes the signature of the encoded header and claims; plex.tv's at first.
	Sign func(input []byte) []byte
	// PublicKey is the key that checks plex.tv's signature.
	PublicKey ed25519.PublicKey
}

// NextJWT lets change have its way with the next Plex JWT that is given out, such
// as one of [BadJWTs]. Several calls are for as many JWTs, in their order. It must
// not call the simulator.
func (s *Sim) NextJWT(change func(*JWT)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, change)
}

// signJWT signs the claims with the newest key.
func (s *Sim) signJWT(claims map[string]any) string {
	key := s.keys[len(s.keys)-1]
	jwt := &JWT{
		Header:    map[string]any{"kid": key.id, "typ": "JWT", "alg": "EdDSA"},
		Claims:    claims,
		Sign:      key.sign,
		PublicKey: key.public(),
	}
	if len(s.changes) > 0 {
		s.changes[0](jwt)
		s.changes = s.changes[1:]
	}
	input := encodePart(jwt.Header) + "." + encodePart(jwt.Claims)
	return input + "." + encoding.EncodeToString(jwt.Sign([]byte(input)))
}

func encodePart(part map[string]any) string {
	text, err := json.Marshal(part)
	if err != nil {
		panic(fmt.Sprintf("plextvsim: encoding a JWT: %v", err))
	}
	return encoding.EncodeToString(text)
}

// verifyJWT tells whether plex.tv made the JWT for its own use; it may have expired.
func (s *Sim) verifyJWT(text string, now time.Time) (*parsedJWT, bool) {
	jwt, err := parseJWT(text)
	if err != nil {
		return nil, false
	}
	early := jwt.claims.NotBefore != nil && before(now, *jwt.claims.NotBefore)
	for _, key := range s.keys {
		if key.accepted && jwt.signedBy(key.id, key.public()) {
			return jwt, jwt.claims.Issuer == issuer && jwt.isFor(issuer) && !early
		}
	}
	return nil, false
}

// before tells whether now is before a time in a JWT.
func before(now time.Time, seconds float64) bool {
	const farAway = 1e11 // the year 5138; time.Unix takes no more of any float
	whole, fraction := math.Modf(max(-farAway, min(seconds, farAway)))
	return now.Before(time.Unix(int64(whole), int64(fraction*1e9)))
}

func (s *Sim) getKeys(*exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := []jwk{}
	for _, key := range s.keys {
		if key.listed {
			listed = append(listed, newJWK(key.id, key.public()))
		}
	}
	return reply{http.StatusOK, jsonOnly{map[string]any{"keys": listed}}}
}
