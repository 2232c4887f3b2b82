package auth

import (
	"context"
	"errors"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// Validate asks plex.tv now whether the stored token is good. 200 is true;
// 401, 403 and 422 "Invalid token" are false, unless the device key gets another
// token in its place; anything else is an error and says nothing about the token
// (Plex documents 200 and 401 only as telling).
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
func (a *Account) identity(ctx context.Context) (id plextv.Identity, err error) {
	err = a.look(ctx, func(r *record) { id = r.identity() })
	return id, err
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
	case isPlexKind(err, plextv.Refused), isPlexKind(err, plextv.Stale):
		return a.replaceRefused(ctx, token, err)
	case isPlexKind(err, plextv.Forbidden):
		return errors.Join(err, a.tokenAccepted(ctx, token, user))
	default:
		return err
	}
}

// replaceRefused gets another token where the box can by itself: a token may be
// refused because it has expired, because plex.tv has dropped the key that it was
// signed with, or because the answer with its successor was lost. Only if plex.tv
// refuses that too is the refusal taken in.
func (a *Account) replaceRefused(ctx context.Context, token secret.String, refusal error) error {
	err := a.another(ctx)
	if err == nil {
		a.askName(ctx)
		return nil
	}
	return a.takeRefusal(ctx, token, refusal, err)
}

// askName asks who it is that has signed in, if that is not known: the question
// that has led to another token was about that too.
func (a *Account) askName(ctx context.Context) {
	held := a.Snapshot().Credentials
	id, err := a.identity(ctx)
	if err != nil || held == nil || held.UserID != "" {
		return
	}
	if user, err := a.plex.User(ctx, id, held.Token); err == nil {
		_ = a.tokenAccepted(ctx, held.Token, user)
	}
}

// takeRefusal takes in that plex.tv does not take the token, and that there was
// no other to be had because of again, as far as that means that it is refused.
func (a *Account) takeRefusal(ctx context.Context, token secret.String, refusal, again error) error {
	switch stale := isPlexKind(refusal, plextv.Stale); {
	case errors.Is(again, errNoOther) && stale:
		return refusal // nobody told us that it can expire
	case errors.Is(again, errNoOther):
	case saysNothing(again):
		return again
	case stale && !isPlexKind(again, plextv.Refused) && !isPlexKind(again, plextv.KeyUnknown):
		return again // an odd answer, and an expired token is not a refused one
	case stale:
		refusal = &plextv.Error{Op: "getting a token in place of one that has expired", Kind: plextv.Refused, Err: again}
	}
	return errors.Join(refusal, a.tokenRefused(ctx, token, refusal))
}

// another gets a token in place of the one in use.
func (a *Account) another(ctx context.Context) error {
	switched := false
	if err := a.look(ctx, func(r *record) { switched = r.Owner != nil }); err != nil {
		return err
	}
	if switched {
		return a.switchAgain(ctx)
	}
	return a.renew(ctx)
}

// tokenAccepted takes in who plex.tv says the user is. After a 403 it is nobody:
// plex.tv knows the token then, but does not tell whose it is. A name heals a
// token that was refused before: an outage of plex.tv's sign-in service has
// answered 401 to everybody.
func (a *Account) tokenAccepted(ctx context.Context, token secret.String, user plextv.User) error {
	a.mark(&a.askedAt)
	return a.accept(ctx, func(next *record, e *Event) error {
		if next.Auth == nil || !next.Auth.Token.Equal(token) {
			return nil // signed out or in anew meanwhile
		}
		fresh := *next.Auth
		setUser(&fresh, user)
		next.setAuth(fresh)
		if next.accepted(e, user.ID != "") {
			a.wakeKeeper() // there is something to keep again
		}
		return nil
	})
}

// accepted takes in that plex.tv knows the token, named tells whether it said
// whose it is.
func (r *record) accepted(e *Event, named bool) (healed bool) {
	r.asked, r.verified, r.doubted, r.doubtedAt, r.trouble = true, true, false, 0, ""
	r.nameless = !named
	if !r.refused() || !named || r.keyless() {
		return false
	}
	fresh := *r.Auth
	fresh.RefusedAt = time.Time{}
	r.setAuth(fresh)
	e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
	return true
}

func (a *Account) tokenRefused(ctx context.Context, token secret.String, refusal error) error {
	defer a.wakeKeeper()
	return a.accept(ctx, func(next *record, e *Event) error {
		if next.Auth == nil || !next.Auth.Token.Equal(token) {
			return nil
		}
		next.asked = true
		now := a.time.Uptime()
		switch {
		case next.refused():
		case !next.doubted:
			next.doubted, next.doubtedAt = true, now
		case now-next.doubtedAt >= a.confirmAfter:
			next.refuse(a.time.Now(), e)
			e.cause = refusal
		}
		return nil
	})
}

// refuse takes in that plex.tv has refused the token for good. now is plex.tv's.
func (r *record) refuse(now time.Time, e *Event) {
	reason := ReasonRevoked
	// A token of a device key is renewed for as long as plex.tv knows the key.
	if end := r.Auth.ExpiresAt; !end.IsZero() && !now.Before(end) && !isJWT(r.Auth.Token) {
		reason = ReasonExpired
	}
	refused := *r.Auth
	refused.RefusedAt = now
	r.setAuth(refused)
	r.verified, r.doubted, r.doubtedAt = false, false, 0
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

// notConfirmed tells people why the token that is held has not been confirmed.
func (a *Account) notConfirmed(ctx context.Context, err error) {
	a.logUnverified(err)
	a.noteTrouble(ctx, err)
}

// noteTrouble shows people what came of a question; nil is an answer.
func (a *Account) noteTrouble(ctx context.Context, err error) {
	_ = a.accept(ctx, func(next *record, _ *Event) error {
		next.trouble = troubleOf(err)
		return nil
	})
}
