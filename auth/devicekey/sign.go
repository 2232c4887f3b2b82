// SPDX-License-Identifier: Apache-2.0

package devicekey

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// plexTV is who device JWTs are for and who signs tokens.
const plexTV = "plex.tv"

// lifetime is that of a device JWT: as long as Plex documents for the nonce in it.
const lifetime = 5 * time.Minute

// DeviceClaims is what a device JWT says.
type DeviceClaims struct {
	// ClientID is the installation's client identifier. plex.tv takes a device
	// JWT only from the client that has registered the key.
	ClientID string
	// Nonce is plex.tv's, for the exchange; a PIN needs none.
	Nonce secret.String
	// Scope are the facts about the user that the token shall tell, such as
	// username, email, friendly_name; they give no rights. Empty means none.
	Scope []string
	// Now is plex.tv's time as far as it is known, to the second.
	Now time.Time
}

// DeviceJWT returns a JWT signed by the key, good for 5 minutes, by which
// plex.tv knows the device.
func (k Key) DeviceJWT(c DeviceClaims) (secret.String, error) {
	if k.id == "" || c.ClientID == "" || c.Now.Unix() < 0 {
		return secret.String{}, errors.New("signing a device JWT: key, client identifier or time is missing")
	}
	payload, err := json.Marshal(struct {
		Nonce    string `json:"nonce,omitempty"`
		Scope    string `json:"scope,omitempty"`
		Audience string `json:"aud"`
		Issuer   string `json:"iss"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{
		c.Nonce.Reveal(), strings.Join(c.Scope, ","), plexTV, c.ClientID,
		c.Now.Unix(), c.Now.Add(lifetime).Unix(),
	})
	if err != nil {
		return secret.String{}, fmt.Errorf("signing a device JWT: %w", err)
	}
	return k.sign(payload)
}

func (k Key) sign(payload []byte) (secret.String, error) {
	seed, err := readSeed(k.private)
	if err != nil {
		return secret.String{}, err
	}
	key := jose.JSONWebKey{Key: ed25519.NewKeyFromSeed(seed), KeyID: k.id}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return secret.String{}, fmt.Errorf("signing a device JWT: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return secret.String{}, fmt.Errorf("signing a device JWT: %w", err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return secret.String{}, fmt.Errorf("signing a device JWT: %w", err)
	}
	return secret.New(text), nil
}
