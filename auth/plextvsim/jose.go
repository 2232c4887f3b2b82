// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Keys and signatures here are made and checked with the standard library alone,
// so that a client's JOSE library is not checked by itself.

// encoding is that of JWTs and JWKs: base64url without padding, no stray bits.
var encoding = base64.RawURLEncoding.Strict()

// jwk is the public part of an Ed25519 key, as RFC 8037 spells it.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

func newJWK(id string, public ed25519.PublicKey) jwk {
	return jwk{KeyType: "OKP", Curve: "Ed25519", X: encoding.EncodeToString(public), ID: id, Use: "sig", Algorithm: "EdDSA"}
}

// deviceKey is the public key of a device.
type deviceKey struct {
	id         string // as the client chose it; Plex JWTs name it as their thumbprint
	thumbprint string // by RFC 7638
	public     ed25519.PublicKey
}

// parseKey reads the public key that a client sends.
func parseKey(text json.RawMessage) (*deviceKey, error) {
	var key struct {
		jwk
		Private string `json:"d"`
	}
	if err := json.Unmarshal(text, &key); err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	public, err := encoding.DecodeString(key.X)
	switch {
	case err != nil || len(public) != ed25519.PublicKeySize:
		return nil, errors.New("x is not a public key of Ed25519")
	case key.KeyType != "OKP" || key.Curve != "Ed25519" || key.ID == "":
		return nil, errors.New("not an Ed25519 key with a kid")
	case key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != "EdDSA":
		return nil, errors.New("not a key for EdDSA signatures")
	case key.Private != "":
		return nil, errors.New("the key came with its private part")
	}
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":"%s"}`, key.X))
	return &deviceKey{id: key.ID, thumbprint: encoding.EncodeToString(sum[:]), public: public}, nil
}

// parsedJWT is a JWT taken apart; nothing in it is to be believed until verified.
type parsedJWT struct {
	header struct {
		Algorithm string   `json:"alg"`
		KeyID     string   `json:"kid"`
		Critical  []string `json:"crit"`
	}
	claims    claims
	signed    []byte
	signature []byte
}

// claims are what device JWTs and Plex JWTs say. Times are seconds since 1970.
type claims struct {
	Issuer     string   `json:"iss"`
	Audience   audience `json:"aud"`
	Nonce      string   `json:"nonce"`
	ID         string   `json:"jti"`
	Thumbprint string   `json:"thumbprint"`
	IssuedAt   *float64 `json:"iat"`
	NotBefore  *float64 `json:"nbf"`
	Expires    *float64 `json:"exp"`
	User       struct {
		ID int64 `json:"id"`
	} `json:"user"`
}

// audience is one name or a list of them.
type audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *audience) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		*a = audience{name}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// parseJWT takes a JWT apart without believing it.
func parseJWT(text string) (*parsedJWT, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("not three parts")
	}
	decoded := make([][]byte, len(parts))
	for i, part := range parts {
		var err error
		if decoded[i], err = encoding.DecodeString(part); err != nil {
			return nil, fmt.Errorf("decoding part %d: %w", i+1, err)
		}
	}
	t := &parsedJWT{signed: []byte(parts[0] + "." + parts[1]), signature: decoded[2]}
	if err := json.Unmarshal(decoded[0], &t.header); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	if err := json.Unmarshal(decoded[1], &t.claims); err != nil {
		return nil, fmt.Errorf("reading the claims: %w", err)
	}
	return t, nil
}

// signedBy tells whether the key made the signature, in the one way we know.
func (t *parsedJWT) signedBy(id string, public ed25519.PublicKey) bool {
	return t.header.Algorithm == "EdDSA" && t.header.KeyID == id && len(t.header.Critical) == 0 &&
		ed25519.Verify(public, t.signed, t.signature)
}

func (t *parsedJWT) isFor(name string) bool { return slices.Contains(t.claims.Audience, name) }
