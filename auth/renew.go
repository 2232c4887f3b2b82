package auth

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// leeway is how far plex.tv's clocks may be apart: its Date header is cut to the
// second, and the one that signs need not be the one that answers.
const leeway = time.Minute

// errNoOther says that this box cannot get another token by itself.
var errNoOther = errors.New("there is no device key to get another token with")

// errOtherAccount says that plex.tv holds the device key for somebody else's.
var errOtherAccount = errorf(AuthInvalid, "plex.tv gives the token of another account for the device key of this box")

// renew gets a new token for the device key in place of the one of who signed
// in, also when that has expired. However many ask, plex.tv is asked once. When
// it fails the old token stays.
func (a *Account) renew(ctx context.Context) error {
	_, err := a.renewals.do(ctx, a.life, "", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.renewNow(ctx)
	})
	return err
}

func (a *Account) renewNow(ctx context.Context) error {
	var u unit
	var settings Settings
	var holder *statefile.Auth
	err := a.look(ctx, func(r *record) { u, settings, holder = r.unit(), r.settings, r.holder() })
	switch {
	case err != nil:
		return err
	case holder == nil:
		return errSignedOut()
	case u.key == nil:
		return errNoOther
	}
	token, claims, err := a.mint(ctx, u, settings)
	if err != nil {
		return err
	}
	return a.takeRenewed(ctx, holder.Token, token, claims)
}

// mint gives a proof of the device key for a token, and checks the token.
func (a *Account) mint(ctx context.Context, u unit, settings Settings) (token secret.String, claims devicekey.Claims, err error) {
	id := u.identity(settings)
	// plex.tv's keys come first: what cannot be checked need not be asked for.
	if _, err := a.signers.get(ctx, a.plex, id); err != nil {
		return token, claims, err
	}
	nonce, err := a.plex.Nonce(ctx, id)
	if err != nil {
		return token, claims, err
	}
	proof, err := u.deviceJWT(nonce, a.time.Now())
	if err != nil {
		return token, claims, err
	}
	token, err = a.plex.Exchange(ctx, id, proof)
	if err != nil {
		return token, claims, err
	}
	claims, err = a.checkJWT(ctx, u, settings, token)
	return token, claims, err
}

// badToken is an error that no further question will mend.
type badToken struct{ error }

func (b badToken) Unwrap() error { return b.error }

// checkJWT checks a token that plex.tv says is the unit's: [InvalidResponse] if
// it is not.
func (a *Account) checkJWT(ctx context.Context, u unit, settings Settings, token secret.String) (devicekey.Claims, error) {
	id := u.identity(settings)
	keys, err := a.signers.get(ctx, a.plex, id)
	if err != nil {
		return devicekey.Claims{}, err
	}
	want := devicekey.Expect{ClientID: u.clientID, Thumbprint: u.key.Kid, Now: a.time.Now(), Leeway: leeway}
	claims, err := devicekey.Verify(token, keys, want)
	if errors.Is(err, devicekey.ErrUnknownKey) { // plex.tv may have new ones
		if keys, err = a.signers.fetch(ctx, a.plex, id); err != nil {
			return devicekey.Claims{}, err
		}
		claims, err = devicekey.Verify(token, keys, want)
	}
	if err == nil {
		return claims, nil
	}
	refused := &Error{Code: InvalidResponse, Text: "checking the token that plex.tv gave for the device key", Err: err}
	if errors.Is(err, devicekey.ErrUnknownKey) {
		return devicekey.Claims{}, refused // it may be shown yet
	}
	return devicekey.Claims{}, badToken{refused}
}

// takeRenewed puts token in the place of old, whoever is using the box: nobody
// signs in or out by that. The answer shows, as one to a question would, that
// plex.tv knows the device.
func (a *Account) takeRenewed(ctx context.Context, old, token secret.String, claims devicekey.Claims) error {
	err := a.accept(ctx, func(next *record, e *Event) error {
		holder := next.holder()
		if holder == nil || !holder.Token.Equal(old) {
			return nil // signed out or in anew meanwhile
		}
		if claims.UserID != "" && holder.UserID != "" && claims.UserID != holder.UserID {
			return errOtherAccount
		}
		fresh := *holder
		fresh.Token, fresh.IssuedAt, fresh.ExpiresAt = token, claims.IssuedAt, claims.ExpiresAt
		if fresh.IssuedAt.IsZero() {
			fresh.IssuedAt = a.time.Now()
		}
		next.setHolder(fresh)
		next.trouble = ""
		if next.Owner == nil {
			next.accepted(e, next.Auth.UserID != "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.mark(&a.renewedAt)
	a.mark(&a.askedAt)
	a.wakeKeeper()
	return nil
}

// renewalDue is when a token bound to a key is to be renewed, by plex.tv's time:
// between half and 70 % of its life. It is spread by the client identifier and
// not by chance, so that restarts do not move it.
func (r *record) renewalDue() (due time.Time, ok bool) {
	holder := r.holder()
	if holder == nil || r.DeviceKey == nil || !isJWT(holder.Token) || holder.ExpiresAt.IsZero() || holder.IssuedAt.IsZero() {
		return time.Time{}, false
	}
	spread := fnv.New32a()
	_, _ = spread.Write([]byte(r.ClientID + holder.IssuedAt.UTC().Format(time.RFC3339)))
	share := 0.5 + 0.2*float64(spread.Sum32())/(1<<32)
	life := holder.ExpiresAt.Sub(holder.IssuedAt)
	return holder.IssuedAt.Add(time.Duration(share * float64(life))), true
}

// signers are the keys with which plex.tv signs, as last seen.
type signers struct {
	mu   sync.Mutex
	keys *devicekey.KeySet
}

// get asks plex.tv only if it never has.
func (s *signers) get(ctx context.Context, plex *plextv.Client, id plextv.Identity) (devicekey.KeySet, error) {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	if keys != nil {
		return *keys, nil
	}
	return s.fetch(ctx, plex, id)
}

func (s *signers) fetch(ctx context.Context, plex *plextv.Client, id plextv.Identity) (devicekey.KeySet, error) {
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
