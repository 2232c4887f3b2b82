// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/timelimit"
)

const (
	// minLife is the life that a token must have left when it is handed out.
	minLife = 5 * time.Minute
	// freshTimeout bounds how long a caller waits for a renewal.
	freshTimeout = 5 * time.Second
	// freshPause is the pause after a renewal, successful or not: without a
	// network, or with tokens of a very short life, calls must not wait each time.
	freshPause = 30 * time.Second
	// leeway is how far plex.tv's clocks may be apart: its Date header is cut to the
	// second, and the server that signs need not be the one that answers.
	leeway = time.Minute
)

// errNoReplacement says that this box cannot get another token by itself.
var errNoReplacement = errors.New("there is no device key to get another token with")

// renewal gets tokens for the device key.
type renewal struct {
	*ledger
	plex     *plextv.Client
	keys     signingKeys
	renewals flight[struct{}, struct{}]
	failed   stamp // a renewal that a caller waited for
}

// fresh renews a token that has expired or is about to, and returns the account.
func (r *renewal) fresh(ctx context.Context) *Snapshot {
	if !r.isFresh() {
		limited, cancel := timelimit.With(ctx, r.clock, freshTimeout)
		defer cancel()
		if err := r.renew(limited); err != nil && ctx.Err() == nil {
			r.failed.set(r.now())
		}
	}
	return r.snapshot()
}

// isFresh reports whether fresh would not wait. Only plex.tv's time counts: by any
// other a good token could seem to have expired long ago.
func (r *renewal) isFresh() bool {
	s := r.snapshot()
	if !s.renewable || s.TokenExpiresAt.IsZero() || !r.time.Known() {
		return true // without a look at a clock: that is a system call, and every call comes here
	}
	now := r.now()
	return s.TokenExpiresAt.Sub(now.date) >= minLife ||
		r.failed.within(freshPause, now) || now.within(freshPause, r.record().times.renewed)
}

// renew replaces the owner's token with a new one for the device key, even after
// it has expired. Callers share one exchange. If it fails the old token stays.
func (r *renewal) renew(ctx context.Context) error {
	_, err := r.renewals.do(ctx, r.life, struct{}{}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, r.renewNow(ctx)
	})
	return err
}

func (r *renewal) renewNow(ctx context.Context) error {
	before := r.record()
	owner := before.owner()
	switch {
	case owner == nil:
		return errSignedOut()
	case before.DeviceKey == nil:
		return errNoReplacement
	}
	token, claims, err := r.exchange(ctx, before.device(), before.settings)
	if err != nil {
		return err
	}
	return r.saveOrKeep(ctx, func(next *record, e *Event) error {
		if now := next.owner(); now == nil || !now.Token.Equal(owner.Token) {
			return nil // signed out or in again meanwhile
		}
		return next.renew(token, claims, r.now(), e)
	})
}

// exchange exchanges a proof of the device key for a token, and checks the token.
func (r *renewal) exchange(ctx context.Context, d device, settings Settings) (token secret.String, claims devicekey.Claims, err error) {
	id := d.identity(settings)
	// plex.tv's keys come first: a token that cannot be checked is of no use.
	if _, err := r.keys.get(ctx, r.plex, id); err != nil {
		return token, claims, err
	}
	nonce, err := r.plex.Nonce(ctx, id)
	if err != nil {
		return token, claims, err
	}
	proof, err := d.proof(nonce, r.time.Now())
	if err != nil {
		return token, claims, err
	}
	token, err = r.plex.Exchange(ctx, id, proof)
	if err != nil {
		return token, claims, err
	}
	claims, err = r.checkToken(ctx, d, settings, token)
	return token, claims, err
}

// bind moves a box with an opaque token to a device key, without a person. Plex
// documents the steps: make a key, register it for the token's device, exchange a
// proof of the key for a token; the last one ends the opaque token. The key is on
// disk before plex.tv hears of it, so that wherever this stops one credential
// works, and the next try continues from there.
func (r *renewal) bind(ctx context.Context) error {
	if err := r.awaitRevocation(ctx); err != nil {
		return err
	}
	added, now := false, record{}
	err := r.save(ctx, func(next *record, _ *Event) (err error) {
		if next.wantsKey() {
			added, err = next.addKey(r.time.Now())
		}
		now = *next
		return err
	})
	if err != nil || !now.wantsKey() {
		return err
	}
	if !added {
		// The answer to an earlier exchange may have been lost: then the opaque
		// token has ended and the key is all there is.
		if err = r.renew(ctx); err == nil || isInconclusive(err) {
			return err
		}
	}
	jwk, err := now.device().jwk()
	if err != nil {
		return err
	}
	err = r.plex.RegisterKey(ctx, now.identity(), now.owner().Token, jwk)
	if err == nil || isPlexKind(err, plextv.KeyTaken) {
		err = r.renew(ctx)
	}
	return err
}

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
func (r *renewal) learnTime(ctx context.Context, id plextv.Identity) {
	if !r.time.Known() {
		_, _ = r.keys.get(ctx, r.plex, id)
	}
}
