package auth

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// userTimeout bounds how long a claimed sign-in waits for the user's name. The
// token is good without it, and the name is asked for again in the background.
const userTimeout = 2 * time.Second

// signIn makes a claimed token the account's. plex.tv may show the token only
// once, so it is on disk before anything else is asked.
func (p *poller) signIn(ctx context.Context) error {
	a := p.account
	if err := p.keepToken(ctx, p.token); err != nil {
		return err
	}
	signedIn := &statefile.Auth{Token: p.token, IssuedAt: a.time.Now()}
	if p.unit.key != nil {
		if err := p.checkToken(ctx, signedIn); err != nil {
			return err
		}
	}
	userCtx, cancel := clockwork.WithTimeout(ctx, a.clock, userTimeout)
	defer cancel()
	user, err := a.plex.User(userCtx, p.unit.identity(p.settings), p.token)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.log.Warn("signed in, but who it is could not be asked yet", "pin_id", p.pairing.ID, "error", err)
	}
	setUser(signedIn, user)
	defer a.wakeKeeper() // which asks for a name that is missing
	a.mark(&a.askedAt)
	return p.change(ctx, func(next *record, e *Event) {
		next.takeUnit(next.unitOf(next.Pairing), a.time.Now())
		endPairing(next, e, PinClaimed)
		next.signIn(signedIn, e)
	})
}

// keepToken writes the token down beside the pairing; a zero one takes it back.
func (p *poller) keepToken(ctx context.Context, token secret.String) error {
	return p.change(ctx, func(next *record, _ *Event) {
		if !next.Pairing.Token.Equal(token) {
			kept := *next.Pairing
			kept.Token = token
			next.Pairing = &kept
		}
	})
}

// checkToken checks a token that is to be the device key's, and takes its times
// from it. One that is not plex.tv's is forgotten: the next question about the
// PIN may be answered with a good one.
func (p *poller) checkToken(ctx context.Context, signedIn *statefile.Auth) error {
	claims, err := p.account.checkJWT(ctx, p.unit, p.settings, p.token)
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
