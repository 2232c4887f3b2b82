package auth

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// userTimeout bounds how long a claim waits for the user's name. The token is
// good without it, and the schedule asks for it again.
const userTimeout = 2 * time.Second

// claim signs in with the claimed token. plex.tv may show the token only once, so
// it is on disk before anything else is asked.
func (p *poller) claim(ctx context.Context) error {
	if err := p.keepToken(ctx, p.token); err != nil {
		return err
	}
	signedIn := &statefile.Auth{Token: p.token, IssuedAt: p.time.Now()}
	if p.device.key != nil {
		if err := p.checkToken(ctx, signedIn); err != nil {
			return err
		}
	}
	userCtx, cancel := clockwork.WithTimeout(ctx, p.clock, userTimeout)
	defer cancel()
	user, err := p.plex.User(userCtx, p.device.identity(p.settings), p.token)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.log.Warn("signed in, but plex.tv has not named the user yet", "pin_id", p.pairing.ID, "error", err)
	}
	setUser(signedIn, user)
	return p.save(ctx, p.ifCurrent(func(next *record, e *Event) { next.claim(signedIn, p.now(), e) }))
}

func (p *poller) keepToken(ctx context.Context, token secret.String) error {
	return p.save(ctx, p.ifCurrent(func(next *record, _ *Event) { next.keepToken(token) }))
}

// checkToken checks a token for the device key and takes its times from it. One
// that plex.tv has not signed is discarded: the next question about the PIN may
// be answered with a good one.
func (p *poller) checkToken(ctx context.Context, signedIn *statefile.Auth) error {
	claims, err := p.renewal.checkToken(ctx, p.device, p.settings, p.token)
	if errors.As(err, new(badToken)) {
		p.token = secret.String{}
		return errors.Join(err, p.keepToken(ctx, p.token))
	}
	if err == nil {
		signedIn.ExpiresAt = claims.ExpiresAt
		if !claims.IssuedAt.IsZero() {
			signedIn.IssuedAt = claims.IssuedAt
		}
	}
	return err
}
