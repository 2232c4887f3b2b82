// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// startPairing makes p the pairing under way. One that it replaces is cancelled.
func (r *record) startPairing(p *statefile.Pairing, e *Event) {
	if r.Pairing != nil {
		r.giveUp(PinCancelled, e)
	}
	r.Pairing = p
}

// endPairing ends the pairing under way.
func (r *record) endPairing(result PinResult, e *Event) {
	e.PinEnd = &PinEnd{ID: r.Pairing.ID, Result: result}
	r.ended.add(endedPairing{*e.PinEnd, r.Pairing.ExpiresAt})
	r.Pairing, r.plexProblem = nil, ""
}

// giveUp ends the pairing under way, though plex.tv may still let somebody claim
// its PIN. After a cancellation such a claim must not sign in, unless the token
// was there before.
func (r *record) giveUp(result PinResult, e *Event) {
	given := *r.Pairing
	given.Unwanted = result == PinCancelled && given.Token.IsZero()
	r.endPairing(result, e)
	last := len(r.GivenUp) - 1
	for i, p := range r.GivenUp { // a free place, or that of the oldest without a token
		if p == nil || p.Token.IsZero() {
			last = i
		}
		if p == nil {
			break
		}
	}
	copy(r.GivenUp[1:last+1], r.GivenUp[:last])
	r.GivenUp[0] = &given
}

// rejectGivenUp is for a sign-in or a sign-out: what was given up before it must not
// undo it.
func (r *record) rejectGivenUp() {
	for _, p := range r.GivenUp {
		if p != nil && !p.Unwanted {
			rejected := *p
			rejected.Unwanted = true
			r.setPairing(p.ID, &rejected)
		}
	}
}

// forgetPairing forgets one that was given up.
func (r *record) forgetPairing(id uint64) { r.setPairing(id, nil) }

// correctExpiry replaces the time at which the pairing under way expires.
func (r *record) correctExpiry(at time.Time) {
	corrected := *r.Pairing
	corrected.ExpiresAt = at
	r.Pairing = &corrected
}

// keepToken keeps a claimed token with its pairing until the sign-in is complete;
// a zero token removes it.
func (r *record) keepToken(id uint64, token secret.String) {
	if p := r.pairing(id); !p.Token.Equal(token) {
		kept := *p
		kept.Token = token
		r.setPairing(id, &kept)
	}
}

// claim ends the pairing with a sign-in, with the device that the PIN was requested
// with. It reports false if the token must not be used: the pairing was given up,
// and wanted does not make up for that. One of who is signed in on the same device
// takes the place of theirs, which the claim may have ended.
func (r *record) claim(id uint64, auth *statefile.Auth, wanted bool, now instant, e *Event) (used bool) {
	p, owner := r.pairing(id), r.owner()
	d := r.deviceOf(p)
	same := owner != nil && owner.UserID != "" && owner.UserID == auth.UserID && d.clientID == r.ClientID
	wanted = wanted || !p.Unwanted
	if !wanted && !same {
		return false
	}
	if d.key != nil && d.key.CreatedAt.IsZero() {
		dated := *d.key
		dated.CreatedAt = now.date
		d.key = &dated
	}
	r.ClientID, r.DeviceKey, auth.Kid = d.clientID, d.key, d.kid()
	if r.Pairing != nil && r.Pairing.ID == id {
		r.endPairing(PinClaimed, e)
	} else {
		r.forgetPairing(id)
		r.ended.claimed(id)
	}
	if wanted {
		r.signIn(auth, true, now, e)
	} else {
		r.replaceOwner(auth, now, e)
	}
	return true
}

// replaceOwner replaces the sign-in of who is signed in with a newer one.
func (r *record) replaceOwner(auth *statefile.Auth, now instant, e *Event) {
	auth.SelectedServerID, auth.SelectedServerURI = r.owner().SelectedServerID, r.owner().SelectedServerURI
	if r.Owner != nil {
		r.Owner = auth
		return
	}
	auth.RefusedAt = r.Auth.RefusedAt
	r.Auth = auth
	r.confirm(true, now, e)
}

// setPairing replaces the pairing with that number; nil removes it.
func (r *record) setPairing(id uint64, p *statefile.Pairing) {
	if r.Pairing != nil && r.Pairing.ID == id {
		r.Pairing = p
	}
	for i, given := range r.GivenUp {
		if given != nil && given.ID == id {
			r.GivenUp[i] = p
		}
	}
}
