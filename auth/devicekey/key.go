// SPDX-License-Identifier: Apache-2.0

// Package devicekey is the Ed25519 key of an installation: what plex.tv gets
// of it, what it signs, and the check of the tokens that plex.tv binds to it,
// as Plex documents under "Authenticating with Plex". JWS, JWK and thumbprints
// come from go-jose.
package devicekey

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// encoding is base64url without padding (RFC 7515), which refuses stray bits.
var encoding = base64.RawURLEncoding.Strict()

// Key is a device key. It prints without its private part, is immutable and
// safe for concurrent use. The zero value is no key. Compare keys by ID.
type Key struct {
	id      string
	private secret.String
	public  string // JWK
}

// Generate makes a new key.
func Generate() (Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return Key{}, fmt.Errorf("making a device key: %w", err)
	}
	return newKey(private.Seed())
}

// Restore returns the key whose [Key.ID] and [Key.Private] were kept. Its
// errors say what does not fit, without quoting it: a key of which half is lost
// cannot be repaired, because plex.tv knows the device by the whole.
func Restore(kid string, privateKey secret.String) (Key, error) {
	switch {
	case kid == "" && privateKey.IsZero():
		return Key{}, errors.New("device key: there is none")
	case kid == "":
		return Key{}, errors.New("device key: its id is missing")
	case privateKey.IsZero():
		return Key{}, errors.New("device key: its private part is missing")
	}
	seed, err := readSeed(privateKey)
	if err != nil {
		return Key{}, err
	}
	key, err := newKey(seed)
	if err != nil {
		return Key{}, err
	}
	if key.id != kid {
		return Key{}, errors.New("device key: its id is not the thumbprint of its private part")
	}
	return key, nil
}

func readSeed(privateKey secret.String) ([]byte, error) {
	text := privateKey.Reveal()
	// The decoder skips line breaks, so the length is checked as well.
	seed, err := encoding.DecodeString(text)
	if err != nil || len(text) != encoding.EncodedLen(ed25519.SeedSize) || len(seed) != ed25519.SeedSize {
		return nil, errors.New("device key: its private part is not 32 bytes in base64url")
	}
	return seed, nil
}

func newKey(seed []byte) (Key, error) {
	jwk := jose.JSONWebKey{
		Key: ed25519.NewKeyFromSeed(seed).Public(), Algorithm: string(jose.EdDSA), Use: "sig",
	}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return Key{}, fmt.Errorf("taking the thumbprint of a device key: %w", err)
	}
	jwk.KeyID = encoding.EncodeToString(thumbprint)
	public, err := jwk.MarshalJSON()
	if err != nil {
		return Key{}, fmt.Errorf("writing a device key as a JWK: %w", err)
	}
	return Key{id: jwk.KeyID, private: secret.New(encoding.EncodeToString(seed)), public: string(public)}, nil
}

// ID returns the key's SHA-256 thumbprint (RFC 7638) in base64url; "" for no
// key. Plex leaves the id to the client. The thumbprint is right whether
// plex.tv's tokens name the key by its id or by its thumbprint, which is not
// documented.
func (k Key) ID() string { return k.id }

// Private returns the private part in base64url: the JWK member d of RFC 8037.
func (k Key) Private() secret.String { return k.private }

// PublicJWK returns the public key as Plex documents it: a JWK with kty, crv,
// x, kid, use and alg. It is nil for no key. The slice is the caller's own.
func (k Key) PublicJWK() json.RawMessage {
	if k.public == "" {
		return nil
	}
	return json.RawMessage(k.public)
}
