package auth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// unit is what the box is to plex.tv: its client identifier and the device key
// that its tokens are bound to, nil for none. plex.tv knows one by the other, so
// they are written and given up together. A client identifier that has had a
// token bound to a key gets none without any more.
type unit struct {
	clientID string
	key      *statefile.DeviceKey
}

func (r *record) unit() unit { return unit{r.ClientID, r.DeviceKey} }

// unitOf is the unit that a pairing was asked for with.
func (r *record) unitOf(p *statefile.Pairing) unit {
	u := unit{clientID: p.ClientID}
	if u.clientID == "" {
		u.clientID = r.ClientID
	}
	switch {
	case p.Kid == "":
	case r.DeviceKey != nil && r.DeviceKey.Kid == p.Kid:
		u.key = r.DeviceKey
	default:
		u.key = &statefile.DeviceKey{Kid: p.Kid, PrivateKey: p.PrivateKey}
	}
	return u
}

// unitForPin is the unit to ask for a new PIN with. It stays apart from the
// box's own until somebody claims the PIN: the token that is held belongs to
// that one.
func (r *record) unitForPin(now time.Time) (u unit, err error) {
	u = r.unit()
	switch {
	case r.settings.Mode != ModeJWT && u.key != nil:
		return unit{clientID: uuid.NewString()}, nil
	case r.settings.Mode == ModeJWT && u.key == nil:
		u.key, err = newDeviceKey(now)
	}
	return u, err
}

// takeUnit makes u the box's own.
func (r *record) takeUnit(u unit, now time.Time) {
	if u.key != nil && u.key.CreatedAt.IsZero() {
		dated := *u.key
		dated.CreatedAt = now
		u.key = &dated
	}
	r.ClientID, r.DeviceKey = u.clientID, u.key
}

// newUnit is one that plex.tv has never seen.
func newUnit(now time.Time) (unit, error) {
	key, err := newDeviceKey(now)
	return unit{uuid.NewString(), key}, err
}

func newDeviceKey(now time.Time) (*statefile.DeviceKey, error) {
	key, err := devicekey.Generate()
	if err != nil {
		return nil, err
	}
	return &statefile.DeviceKey{Kid: key.ID(), PrivateKey: key.Private(), CreatedAt: now}, nil
}

// keyless reports whether the token needs a device key that is not there.
func (r *record) keyless() bool {
	holder := r.holder()
	return holder != nil && isJWT(holder.Token) && r.DeviceKey == nil
}

// giveUpWithoutKey ends a sign-in whose device key is gone from the disk: its
// token could not be renewed, and its client identifier gets no other. What is
// left of it tells people who has to sign in again.
func (r *record) giveUpWithoutKey(now time.Time) (lost bool) {
	if !r.keyless() {
		return false
	}
	ended := *r.holder()
	if ended.RefusedAt.IsZero() {
		ended.RefusedAt = now
	}
	r.State = statefile.State{ClientID: uuid.NewString(), Auth: &ended}
	return true
}

// identity is what plex.tv is told about the box.
func (u unit) identity(s Settings) plextv.Identity {
	id := s.Identity
	id.ClientID = u.clientID
	return id
}

// jwk is the public part of the key, nil if there is none.
func (u unit) jwk() (json.RawMessage, error) {
	if u.key == nil {
		return nil, nil
	}
	key, err := devicekey.Restore(u.key.Kid, u.key.PrivateKey)
	return key.PublicJWK(), err
}

// deviceJWT proves to plex.tv that it is this box who asks. nonce may be zero
// for a PIN.
func (u unit) deviceJWT(nonce secret.String, now time.Time) (secret.String, error) {
	key, err := devicekey.Restore(u.key.Kid, u.key.PrivateKey)
	if err != nil {
		return secret.String{}, err
	}
	return key.DeviceJWT(devicekey.DeviceClaims{
		ClientID: u.clientID, Nonce: nonce, Now: now,
		// As in Plex's example; they give no rights.
		Scope: []string{"username", "email", "friendly_name"},
	})
}

// requestPin asks for a PIN whose token will be the unit's.
func (a *Account) requestPin(ctx context.Context, u unit, settings Settings, strong bool) (plextv.Pin, error) {
	jwk, err := u.jwk()
	if err != nil {
		return plextv.Pin{}, err
	}
	return a.plex.RequestPin(ctx, u.identity(settings), jwk, strong)
}

// checkPin asks about such a PIN.
func (a *Account) checkPin(ctx context.Context, u unit, settings Settings, pinID secret.String) (plextv.Pin, error) {
	var proof secret.String
	if u.key != nil {
		if !a.time.Known() {
			// After a restart. By the box's own time plex.tv might refuse the proof,
			// in an answer that does not tell the time.
			_, err := a.signers.get(ctx, a.plex, u.identity(settings))
			if isPlexKind(err, plextv.Gone) { // the keys are, which says nothing of the PIN
				err = &Error{Code: InvalidResponse, Text: err.Error()}
			}
			if err != nil {
				return plextv.Pin{}, err
			}
		}
		var err error
		if proof, err = u.deviceJWT(secret.String{}, a.time.Now()); err != nil {
			return plextv.Pin{}, err
		}
	}
	return a.plex.CheckPin(ctx, u.identity(settings), pinID, proof)
}

// isJWT tells plex.tv's tokens that are bound to a device key from its opaque
// ones, which have 20 characters and no dot.
func isJWT(token secret.String) bool {
	text := token.Reveal()
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}
