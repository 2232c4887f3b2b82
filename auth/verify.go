package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// Validate asks plex.tv now whether the stored token is good. 200 is true;
// 401, 403 and 422 "Invalid token" are false; anything else is an error and
// says nothing about the token (Plex documents 200 and 401 only as telling).
// [AuthRequired] when nobody is signed in.
//
// A refusal (401 or that 422) changes the state only when a second one, after
// a pause, confirms it; the second is asked for in the background.
func (a *Account) Validate(ctx context.Context) (bool, error) {
	return verdict(a.verifyStored(ctx))
}

// ValidateToken asks plex.tv about any token, as Validate does, and changes nothing.
func (a *Account) ValidateToken(ctx context.Context, token secret.String) (bool, error) {
	if err := checkToken(token); err != nil {
		return false, err
	}
	id, err := a.identity(ctx)
	if err != nil {
		return false, err
	}
	_, err = a.plex.User(ctx, id, token)
	return verdict(err)
}

func verdict(err error) (bool, error) {
	if isPlexKind(err, plextv.Refused) || isPlexKind(err, plextv.Forbidden) {
		return false, nil
	}
	return err == nil, err
}

// identity is what plex.tv is told about this box.
func (a *Account) identity(ctx context.Context) (plextv.Identity, error) {
	if err := a.takeTurn(ctx); err != nil {
		return plextv.Identity{}, err
	}
	defer a.endTurn()
	return a.record.identity(), nil
}

// verifyStored verifies the stored token. Callers share the answer, unless the
// token has been replaced since it was asked for.
func (a *Account) verifyStored(ctx context.Context) error {
	held := a.Snapshot().Credentials
	if held == nil {
		return errSignedOut()
	}
	_, err := a.verdicts.do(ctx, a.life, held.Token.Reveal(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.verify(ctx, held.Token)
	})
	return err
}

// verify asks plex.tv about the stored token and takes in the answer.
func (a *Account) verify(ctx context.Context, token secret.String) error {
	id, err := a.identity(ctx)
	if err != nil {
		return err
	}
	user, err := a.plex.User(ctx, id, token)
	switch {
	case err == nil:
		return a.tokenAccepted(ctx, token, user)
	case isPlexKind(err, plextv.Refused):
		return errors.Join(err, a.tokenRefused(ctx, token, err))
	case isPlexKind(err, plextv.Forbidden):
		return errors.Join(err, a.tokenAccepted(ctx, token, user))
	default:
		return err
	}
}

// tokenAccepted takes in who plex.tv says the user is. After a 403 it is nobody:
// plex.tv knows the token then, but does not tell whose it is. A name heals a
// token that was refused before: an outage of plex.tv's sign-in service has
// answered 401 to everybody.
func (a *Account) tokenAccepted(ctx context.Context, token secret.String, user plextv.User) error {
	return a.accept(ctx, func(next *record, e *Event) error {
		if next.Auth == nil || !next.Auth.Token.Equal(token) {
			return nil // signed out or in anew meanwhile
		}
		next.asked, next.verified, next.refusedAt, next.trouble = true, true, time.Time{}, ""
		next.nameless = user.ID == ""
		fresh := *next.Auth
		setUser(&fresh, user)
		if next.refused() && !next.nameless {
			fresh.RefusedAt = time.Time{}
			e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
			a.wakeVerifier() // to ask every day again
		}
		next.setAuth(fresh)
		return nil
	})
}

func (a *Account) tokenRefused(ctx context.Context, token secret.String, refusal error) error {
	defer a.wakeVerifier()
	return a.accept(ctx, func(next *record, e *Event) error {
		if next.Auth == nil || !next.Auth.Token.Equal(token) {
			return nil
		}
		next.asked = true
		now := a.clock.Now()
		switch {
		case next.refused():
		case next.refusedAt.IsZero():
			next.refusedAt = now
		case now.Sub(next.refusedAt) >= a.confirmAfter:
			next.refuse(now, e)
			e.cause = refusal
		}
		return nil
	})
}

func (r *record) refuse(now time.Time, e *Event) {
	reason := ReasonRevoked
	if end := r.Auth.ExpiresAt; !end.IsZero() && !now.Before(end) {
		reason = ReasonExpired
	}
	refused := *r.Auth
	refused.RefusedAt = now
	r.setAuth(refused)
	r.verified, r.refusedAt = false, time.Time{}
	e.Auth = &AuthChange{Authenticated: false, Reason: reason}
}

// setAuth replaces what is stored, but only if it differs: an unchanged record
// is not written again.
func (r *record) setAuth(auth statefile.Auth) {
	if *r.Auth != auth {
		r.Auth = &auth
	}
}

func setUser(auth *statefile.Auth, u plextv.User) {
	if u.ID == "" {
		return
	}
	auth.UserID, auth.UUID, auth.Username, auth.Title = u.ID, u.UUID, u.Username, u.Title
	auth.Email, auth.Thumb = u.Email, u.Thumb
	auth.HomeAdmin, auth.Restricted = u.HomeAdmin, u.Restricted
}

func (a *Account) wakeVerifier() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// verifyWhenNeeded asks about the token in the background while something is
// open: nothing heard since start, a refusal to confirm, a user without a name,
// a day without a question.
func (a *Account) verifyWhenNeeded(ctx context.Context) {
	failures := &backoff.ExponentialBackOff{
		InitialInterval: time.Second, MaxInterval: 5 * time.Minute, Multiplier: 2, RandomizationFactor: 0.3,
	}
	failures.Reset()
	timer := a.clock.NewTimer(0)
	defer timer.Stop()
	resting := false // the timer is that of the daily question
	for {
		daily := false
		select {
		case <-ctx.Done():
			return
		case <-timer.Chan():
			daily = resting
		case <-a.kick:
		}
		wait, open := a.openQuestion(ctx)
		if !open && (!daily || !a.Snapshot().Authenticated) {
			failures.Reset()
			resting = a.rest(timer)
			continue
		}
		resting = false
		if wait == 0 {
			if err := a.verifyStored(ctx); err != nil {
				a.notConfirmed(ctx, err)
				wait = max(failures.NextBackOff(), retryAfter(err))
				resting = daily
			}
		}
		timer.Reset(wait)
	}
}

// notConfirmed tells people why the token that is held has not been confirmed.
func (a *Account) notConfirmed(ctx context.Context, err error) {
	a.logUnverified(err)
	_ = a.accept(ctx, func(next *record, _ *Event) error {
		next.trouble = troubleOf(err)
		return nil
	})
}

// rest sets the timer for the daily question about a good token, and reports
// whether there is one to ask. So a revoked token is noticed within a day, and
// plex.tv sees that the token is in use: unused ones were seen to die after
// weeks. The jitter keeps a fleet of boxes from asking in the same minute.
func (a *Account) rest(timer clockwork.Timer) bool {
	if a.checkEvery < 0 || !a.Snapshot().Authenticated {
		timer.Stop()
		return false
	}
	timer.Reset(a.checkEvery - rand.N(a.checkEvery/6))
	return true
}

// openQuestion reports whether plex.tv must be asked about the token, and how
// long to wait first.
func (a *Account) openQuestion(ctx context.Context) (wait time.Duration, open bool) {
	if err := a.takeTurn(ctx); err != nil {
		return 0, false
	}
	defer a.endTurn()
	r := &a.record
	switch {
	case r.Auth == nil:
		return 0, false
	case !r.refusedAt.IsZero():
		return max(0, r.refusedAt.Add(a.confirmAfter).Sub(a.clock.Now())), true
	default:
		return 0, !r.asked || (r.userID() == "" && !r.nameless && !r.refused())
	}
}
