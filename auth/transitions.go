// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"errors"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// These, with those of pairings, of the device key, of verdicts and of plex.tv's
// address, are all the ways a record changes. Those that signal more than changed properties fill in the event.

// configure replaces the settings, among them the address of plex.tv.
func (r *record) configure(s Settings, e *Event) {
	r.settings = s
	r.moveTo(s.Identity.PlexURL, e)
}

// signIn makes auth the account in use, confirmed by plex.tv or not. The selected
// media server stays if the user is the same.
func (r *record) signIn(auth *statefile.Auth, checked bool, now instant, e *Event) {
	if auth.SelectedServerID == "" && auth.UserID != "" && auth.UserID == r.userID() {
		auth.SelectedServerID, auth.SelectedServerURI = r.Auth.SelectedServerID, r.Auth.SelectedServerURI
	}
	r.signIns, r.turns, r.spent = r.signIns+1, r.turns+1, false
	same := r.Auth != nil && !r.refused() && r.Auth.Token.Equal(auth.Token) && r.userID() == auth.UserID
	r.Auth, r.Owner, r.Servers = auth, nil, nil
	r.rejectGivenUp()
	r.resetStanding()
	if checked {
		r.standing.confirm(true)
		r.times.answered = now.uptime
	}
	if !same {
		e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
	}
}

// signOut forgets who is signed in.
func (r *record) signOut(e *Event) error {
	if r.unreadable {
		return errStorage(errors.New("the state could not be read, so it cannot be cleared: " + r.storageProblem))
	}
	if r.Auth == nil {
		return nil
	}
	r.signIns, r.turns, r.spent = r.signIns+1, r.turns+1, false
	r.Auth, r.Owner, r.Servers = nil, nil, nil
	r.rejectGivenUp()
	r.resetStanding()
	e.Auth = &AuthChange{Authenticated: false, Reason: ReasonSignedOut}
	return nil
}

func (r *record) resetStanding() {
	r.standing.reset()
	r.ownerStanding.reset()
}

// selectServer remembers the selected media server of the account in use.
func (r *record) selectServer(s Server) {
	selected := *r.Auth
	selected.SelectedServerID, selected.SelectedServerURI = s.MachineID, s.URI
	r.setAuth(selected)
}

// accept notes that plex.tv accepted the token, and whose it is. After a 403 user
// is zero: plex.tv knows the token then, but does not name its user.
func (r *record) accept(user plextv.User, now instant, e *Event) {
	named := *r.Auth
	setUser(&named, user)
	r.setAuth(named)
	r.confirm(user.ID != "", now, e)
}

// renew replaces the owner's token, whoever is using the box. plex.tv accepted
// the device with that.
func (r *record) renew(token secret.String, claims devicekey.Claims, now instant, e *Event) error {
	renewed := *r.owner()
	if claims.UserID != "" && renewed.UserID != "" && claims.UserID != renewed.UserID {
		return errOtherAccount
	}
	renewed.Token, renewed.Kid = token, r.device().kid()
	renewed.IssuedAt, renewed.ExpiresAt = claims.IssuedAt, claims.ExpiresAt
	if renewed.IssuedAt.IsZero() {
		renewed.IssuedAt = now.date
	}
	r.times.renewed, r.times.answered, r.plexProblem = now.uptime, now.uptime, ""
	if r.Owner != nil {
		r.Owner = &renewed
		return nil
	}
	r.Auth = &renewed
	r.confirm(renewed.UserID != "", now, e)
	return nil
}

// switchUser lets a user of the home use the box with the token that plex.tv gave.
func (r *record) switchUser(to plextv.HomeUser, token secret.String, who plextv.User, now instant, e *Event) {
	if r.userID() != to.ID || r.refused() {
		r.turns++
		r.Servers, r.times.servers, r.times.emptied = nil, 0, 0
		e.Auth = &AuthChange{Authenticated: true, Reason: ReasonUserSwitched}
	}
	if to.ID != "" && r.owner().UserID == to.ID {
		r.useOwner()
		r.keepOwnToken(token)
	} else {
		r.useHomeUser(token, who, now.date)
	}
	r.standing.confirm(true)
	r.times.answered = now.uptime
}

// replaceUserToken replaces the token of the home user in use, which plex.tv
// refused.
func (r *record) replaceUserToken(token secret.String, who plextv.User, now instant, e *Event) {
	refusedAt := r.Auth.RefusedAt
	r.useHomeUser(token, who, now.date)
	r.Auth.RefusedAt = refusedAt
	r.confirm(true, now, e)
}

// nameOwner notes who has signed in, which plex.tv could not be asked at the time.
// The home user in use may be that very person.
func (r *record) nameOwner(user plextv.User) {
	named := *r.owner()
	setUser(&named, user)
	if r.Owner == nil {
		r.setAuth(named)
		return
	}
	r.Owner = &named
	if named.UserID != "" && named.UserID == r.userID() {
		opaque := r.Auth.Token
		named.SelectedServerID, named.SelectedServerURI = r.Auth.SelectedServerID, r.Auth.SelectedServerURI
		r.useOwner()
		r.keepOwnToken(opaque)
	}
}

// useOwner makes the owner the user in use, with the owner's own token.
func (r *record) useOwner() {
	owner := *r.owner()
	owner.RefusedAt = time.Time{} // plex.tv has just accepted the token
	r.Auth, r.Owner = &owner, nil
}

// keepOwnToken keeps the token that a switch to the owner gave: it is one that
// media servers accept.
func (r *record) keepOwnToken(opaque secret.String) {
	if r.boundToKey() {
		known := statefile.Servers{}
		if r.Servers != nil {
			known = *r.Servers
		}
		known.OwnToken = opaque
		r.Servers, r.times.servers = &known, 0
	}
}

// useHomeUser makes somebody other than the owner the user in use.
func (r *record) useHomeUser(token secret.String, who plextv.User, now time.Time) {
	before, owner := r.Auth, *r.owner()
	owner.RefusedAt = time.Time{} // plex.tv has just accepted the token
	r.Owner = &owner
	r.Auth = &statefile.Auth{Token: token, IssuedAt: now}
	if before.UserID == who.ID {
		r.Auth.UserID, r.Auth.UUID, r.Auth.Username = before.UserID, before.UUID, before.Username
		r.Auth.Title, r.Auth.Email, r.Auth.Thumb = before.Title, before.Email, before.Thumb
	}
	setUser(r.Auth, who)
	if before.UserID == r.Auth.UserID {
		r.Auth.SelectedServerID, r.Auth.SelectedServerURI = before.SelectedServerID, before.SelectedServerURI
	}
}

// countPin counts one more wrong home PIN; it fails with [RateLimited] during a
// pause after too many.
func (r *record) countPin(now time.Time) error {
	counted, err := countWrongPin(r.HomePin, now)
	if err == nil || *counted != *r.HomePin {
		r.HomePin = counted
	}
	return err
}

// restorePins restores the count from before a PIN that was not wrong.
func (r *record) restorePins(count *statefile.HomePin) { r.HomePin = count }

// keepServers keeps plex.tv's list of media servers, if it says something new.
func (r *record) keepServers(list *statefile.Servers, now instant) {
	if r.Servers == nil || !r.Servers.Equal(list) {
		r.Servers = list
	}
	r.times.servers, r.times.emptied = now.uptime, 0
}

// emptyListAfter is how long plex.tv must keep listing no media servers, where
// nobody asks for the list itself.
const emptyListAfter = time.Hour

// emptyAgain notes that plex.tv lists no media servers any more, and reports whether
// that may be believed.
func (r *record) emptyAgain(demanded bool, now instant) bool {
	first := r.times.emptied
	if first == 0 {
		r.times.emptied = now.uptime
		return false
	}
	return demanded || now.uptime-first >= emptyListAfter
}

// keepPauses keeps the pauses that plex.tv has asked for; "" is none.
func (r *record) keepPauses(until string) {
	if r.Pauses = nil; until != "" {
		r.Pauses = &statefile.Pauses{Until: until}
	}
}

// reportPlex shows people why a question failed; nil is an answer.
func (r *record) reportPlex(err error) { r.plexProblem = plexProblem(err) }

// setAuth replaces the account in use, unless that changes nothing: an unchanged
// record is not written again.
func (r *record) setAuth(auth statefile.Auth) {
	if *r.Auth != auth {
		r.Auth = &auth
	}
}

// setUser fills in the user that plex.tv named; none leaves what is known.
func setUser(auth *statefile.Auth, u plextv.User) {
	if u.ID == "" {
		return
	}
	if u.ID == auth.UserID { // what cannot be read now has not changed
		u.UUID, u.Username, u.Title = cmp.Or(u.UUID, auth.UUID), cmp.Or(u.Username, auth.Username), cmp.Or(u.Title, auth.Title)
		u.Email, u.Thumb = cmp.Or(u.Email, auth.Email), cmp.Or(u.Thumb, auth.Thumb)
	}
	auth.UserID, auth.UUID, auth.Username, auth.Title = u.ID, u.UUID, u.Username, u.Title
	auth.Email, auth.Thumb = u.Email, u.Thumb
	auth.HomeAdmin, auth.Restricted = u.HomeAdmin, u.Restricted
}
