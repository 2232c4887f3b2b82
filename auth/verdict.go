// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"math"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// These transitions follow from what plex.tv says about a token.

// confirm notes that plex.tv accepted the token in use. If it named the user it
// also undoes an earlier refusal: during an outage plex.tv's sign-in service has
// answered 401 to everybody.
func (r *record) confirm(named bool, now instant, e *Event) {
	r.times.answered, r.plexProblem = now.uptime, ""
	if r.refused() && !named {
		r.standing.reject(now.uptime)
		return
	}
	r.standing.confirm(named)
	r.restore(e)
}

// restore undoes a refusal.
func (r *record) restore(e *Event) {
	if !r.refused() || r.keyless() {
		return
	}
	restored := *r.Auth
	restored.RefusedAt = time.Time{}
	r.setAuth(restored)
	e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
}

// trust notes that plex.tv took a token with a question that was not about the
// token. It is as good an answer.
func (r *record) trust(token secret.String, e *Event) {
	switch {
	case r.Auth == nil:
	case r.Owner != nil && r.Owner.Token.Equal(token):
		r.trustOwner(e)
	case !r.Auth.Token.Equal(token), r.standing.good() && !r.standing.doubted():
	default:
		r.standing.reset()
		if r.plexProblem = ""; r.Auth.UserID != "" { // else it is still to be asked for
			r.standing.confirm(true)
		}
		r.restore(e)
	}
}

// trustOwner undoes a refusal of who signed in, while a home user is using the box.
// If that user was refused as well, plex.tv is asked about the user again.
func (r *record) trustOwner(e *Event) {
	r.ownerStanding.reset()
	if r.Owner.RefusedAt.IsZero() {
		return
	}
	owner := *r.Owner
	owner.RefusedAt = time.Time{}
	r.Owner = &owner
	if r.refused() {
		r.standing.reset()
		e.Auth = &AuthChange{Authenticated: false, Reason: ReasonUserLocked}
	}
}

// refuse notes that plex.tv refused the token of who signed in. Beyond doubt it
// ends the sign-in, but for a home user whose own token is still good.
func (r *record) refuse(cause error, span time.Duration, now instant, e *Event) {
	standing, owner := &r.standing, *r.owner()
	if r.Owner != nil {
		standing = &r.ownerStanding
	}
	if owner.RefusedAt.IsZero() {
		standing.doubt(now.uptime, age(&owner, now), span)
		if !standing.beyondDoubt() {
			return
		}
		owner.RefusedAt = now.date
		if r.Owner == nil {
			r.Auth = &owner
		} else {
			r.Owner = &owner
		}
		if r.refused() {
			e.Auth, e.cause = &AuthChange{Authenticated: false, Reason: endOf(&owner, now)}, cause
		}
	}
	standing.reject(now.uptime)
}

// refuseUser notes that plex.tv refused the token of the home user in use, and why
// who signed in cannot get another one. Beyond doubt the user is locked out until
// the PIN is typed again, or is gone.
func (r *record) refuseUser(cause, noOther error, span time.Duration, now instant, e *Event) {
	heard := !isInconclusive(noOther)
	if !r.refused() && (heard || !r.standing.beyondDoubt()) {
		r.standing.doubt(now.uptime, age(r.Auth, now), span)
	}
	ended := !r.Owner.RefusedAt.IsZero()
	switch {
	case !heard, !r.refused() && !r.standing.beyondDoubt():
	case errors.Is(noOther, errNoHomeUser):
		r.returnToOwner(now, e)
	case ended, !isRefusal(noOther):
		r.lock(cause, ended, now, e)
	}
}

// lock ends the turn of the home user in use; ended if the sign-in has ended, too.
func (r *record) lock(cause error, ended bool, now instant, e *Event) {
	if !r.refused() {
		reason := ReasonUserLocked
		if ended {
			reason = endOf(r.Owner, now)
		}
		locked := *r.Auth
		locked.RefusedAt = now.date
		r.Auth = &locked
		e.Auth, e.cause = &AuthChange{Authenticated: false, Reason: reason}, cause
	}
	r.standing.reject(now.uptime)
}

// returnToOwner makes who signed in the user in use, because the home has no such
// user any more as the one before.
func (r *record) returnToOwner(now instant, e *Event) {
	r.turns++
	r.Auth, r.Owner, r.Servers, r.times.servers = r.Owner, nil, nil, 0
	r.resetStanding()
	if r.Auth.UserID != "" {
		r.standing.confirm(true)
	}
	r.times.answered = now.uptime
	e.Auth = &AuthChange{Authenticated: true, Reason: ReasonUserSwitched}
}

// endOf is why a sign-in has ended that plex.tv refuses now.
func endOf(auth *statefile.Auth, now instant) Reason {
	// A token of a device key is renewed for as long as plex.tv knows the key.
	if end := auth.ExpiresAt; !end.IsZero() && !now.date.Before(end) && auth.Kid == "" {
		return ReasonExpired
	}
	return ReasonRevoked
}

// age is that of a token by plex.tv's time; very old if it is not known.
func age(auth *statefile.Auth, now instant) time.Duration {
	if auth.IssuedAt.IsZero() {
		return math.MaxInt64
	}
	return now.date.Sub(auth.IssuedAt).Abs()
}
