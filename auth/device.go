// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// device is what the box is to plex.tv: its client identifier and the device key
// that its tokens are bound to, nil for none. plex.tv ties one to the other, so
// they are saved and discarded together. Once a client identifier has had a token
// bound to a key, plex.tv gives it none without.
type device struct {
	clientID string
	key      *statefile.DeviceKey
}

// newDevice is one that plex.tv has never seen.
func newDevice(now time.Time) (device, error) {
	key, err := newDeviceKey(now)
	return device{uuid.NewString(), key}, err
}

func newDeviceKey(now time.Time) (*statefile.DeviceKey, error) {
	key, err := devicekey.Generate()
	if err != nil {
		return nil, err
	}
	return &statefile.DeviceKey{Kid: key.ID(), PrivateKey: key.Private(), CreatedAt: now}, nil
}

// identity is what plex.tv is told about the box.
func (d device) identity(s Settings) plextv.Identity {
	id := s.Identity
	id.ClientID = d.clientID
	return id
}

// kid names the key, "" for none.
func (d device) kid() string {
	if d.key == nil {
		return ""
	}
	return d.key.Kid
}

// jwk is the public part of the key, nil if there is none.
func (d device) jwk() (json.RawMessage, error) {
	if d.key == nil {
		return nil, nil
	}
	key, err := devicekey.Restore(d.key.Kid, d.key.PrivateKey)
	return key.PublicJWK(), err
}

// proof is a device JWT, which proves to plex.tv that this box is asking. The
// nonce may be zero when asking about a PIN.
func (d device) proof(nonce secret.String, now time.Time) (secret.String, error) {
	key, err := devicekey.Restore(d.key.Kid, d.key.PrivateKey)
	if err != nil {
		return secret.String{}, err
	}
	return key.DeviceJWT(devicekey.DeviceClaims{
		ClientID: d.clientID, Nonce: nonce, Now: now,
		// As in Plex's example; they give no rights.
		Scope: []string{"username", "email", "friendly_name"},
	})
}

// isJWT tells plex.tv's JWTs from its opaque tokens, which have 20 characters and
// no dot. Whether a token is bound to a device key is for the state to say: plex.tv
// may give JWTs to everybody one day.
func isJWT(token secret.String) bool {
	text := token.Reveal()
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}
