package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// leeway is how far plex.tv's clocks may be apart: its Date header is cut to the
// second, and the server that signs need not be the one that answers.
const leeway = time.Minute

// signingKeys are plex.tv's, as last seen.
type signingKeys struct {
	mu   sync.Mutex
	keys *devicekey.KeySet
}

// get asks plex.tv only the first time.
func (s *signingKeys) get(ctx context.Context, plex *plextv.Client, id plextv.Identity) (devicekey.KeySet, error) {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	if keys != nil {
		return *keys, nil
	}
	return s.fetch(ctx, plex, id)
}

func (s *signingKeys) fetch(ctx context.Context, plex *plextv.Client, id plextv.Identity) (devicekey.KeySet, error) {
	data, err := plex.SigningKeys(ctx, id)
	if err != nil {
		return devicekey.KeySet{}, err
	}
	keys, err := devicekey.ParseKeySet(data)
	if err != nil {
		return devicekey.KeySet{}, &Error{Code: InvalidResponse, Text: "asking plex.tv for its keys", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = &keys
	return keys, nil
}

// badToken is the error of a token that will never be good.
type badToken struct{ error }

func (b badToken) Unwrap() error { return b.error }

// checkToken checks a token that plex.tv says is the device's: [InvalidResponse]
// if it is not.
func (r *renewal) checkToken(ctx context.Context, d device, settings Settings, token secret.String) (devicekey.Claims, error) {
	id := d.identity(settings)
	keys, err := r.keys.get(ctx, r.plex, id)
	if err != nil {
		return devicekey.Claims{}, err
	}
	want := devicekey.Expect{ClientID: d.clientID, Thumbprint: d.key.Kid, Now: r.time.Now(), Leeway: leeway}
	claims, err := devicekey.Verify(token, keys, want)
	if errors.Is(err, devicekey.ErrUnknownKey) { // plex.tv may have new ones
		if keys, err = r.keys.fetch(ctx, r.plex, id); err != nil {
			return devicekey.Claims{}, err
		}
		claims, err = devicekey.Verify(token, keys, want)
	}
	if err == nil {
		return claims, nil
	}
	invalid := &Error{Code: InvalidResponse, Text: "checking plex.tv's token for the device key", Err: err}
	if errors.Is(err, devicekey.ErrUnknownKey) {
		return devicekey.Claims{}, invalid // plex.tv may publish the key later
	}
	return devicekey.Claims{}, badToken{invalid}
}

// learnTime asks plex.tv for anything if its time is not known, as after a
// restart: it might refuse a proof with the box's own time, in an answer without
// a date.
func (r *renewal) learnTime(ctx context.Context, id plextv.Identity) error {
	if r.time.Known() {
		return nil
	}
	_, err := r.keys.get(ctx, r.plex, id)
	if isPlexKind(err, plextv.Gone) { // the keys, not the PIN
		return &Error{Code: InvalidResponse, Text: err.Error()}
	}
	return err
}
