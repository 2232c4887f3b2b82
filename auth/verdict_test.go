// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// doubt lets plex.tv refuse a token at 0 and 15 s.
func doubt(s *standing) {
	for _, seconds := range []int{0, 15} {
		s.doubt(at(seconds).uptime, time.Hour, refusedFor)
	}
}

// doubtYoung is doubt for a token that has just been issued.
func doubtYoung(s *standing) {
	for _, seconds := range []int{0, 15, 30} {
		s.doubt(at(seconds).uptime, time.Minute, refusedFor)
	}
}

// old lets the tokens of a record be an hour old.
func old(r *record) *record {
	for _, auth := range []*statefile.Auth{r.Auth, r.Owner} {
		if auth != nil {
			auth.IssuedAt = noon.Add(-time.Hour)
		}
	}
	return r
}

// doubtedUser is a home user whose token plex.tv has refused.
func doubtedUser() *record { return with(switched(), func(r *record) { doubt(&r.standing) }) }

func ownerEnded(r *record) { r.Owner.RefusedAt = noon }

// acceptances follow when plex.tv accepts a token.
func acceptances() map[string]map[string]transition {
	accept := func(user plextv.User) func(*record, *Event) error {
		return signals(func(r *record, e *Event) { r.accept(user, at(1), e) })
	}
	trust := func(token secret.String) func(*record, *Event) error {
		return signals(func(r *record, e *Event) { r.trust(token, e) })
	}
	in := signal(true, ReasonSignedIn)
	locked := signal(false, ReasonUserLocked)
	confirm := signals(func(r *record, e *Event) { r.confirm(true, at(1), e) })
	return map[string]map[string]transition{
		"accept": {
			"unchecked":          {from: held(opaque), do: accept(ann), state: SignedIn},
			"unchecked, no name": {from: held(opaque), do: accept(plextv.User{}), state: SignedIn},
			"doubted":            {from: doubted(), do: accept(ann), state: SignedIn},
			"ended":              {from: ended(), do: accept(ann), state: SignedIn, auth: in},
			"ended, no name":     {from: ended(), do: accept(plextv.User{}), state: Expired},
		},
		"confirm": {
			"doubted":       {from: doubted(), do: confirm, state: SignedIn},
			"ended":         {from: ended(), do: confirm, state: SignedIn, auth: in},
			"ended, no key": {from: with(ended(), func(r *record) { r.Auth.Token, r.Auth.Kid = jwt, "lost" }), do: confirm, state: Expired},
		},
		"trust": {
			"signed out":       {from: signedOut(), do: trust(opaque), state: SignedOut},
			"unchecked":        {from: held(opaque), do: trust(opaque), state: SignedIn},
			"no name":          {from: with(doubted(), func(r *record) { r.Auth.UserID = "" }), do: trust(opaque), state: Unverified},
			"doubted":          {from: doubted(), do: trust(opaque), state: SignedIn},
			"another token":    {from: doubted(), do: trust(jwt), state: Unverified},
			"ended":            {from: ended(), do: trust(opaque), state: SignedIn, auth: in},
			"owner's":          {from: doubtedUser(), do: trust(opaque), state: Unverified},
			"owner's, refused": {from: with(lockedOut(), ownerEnded), do: trust(opaque), state: Locked, auth: locked},
			"locked user's":    {from: lockedOut(), do: trust(secret.New("kims-token")), state: SignedIn, auth: in},
		},
	}
}

// refusals follow when plex.tv refuses the token that is in use.
func refusals() map[string]map[string]transition {
	refuse := func(seconds int) func(*record, *Event) error {
		return signals(func(r *record, e *Event) { r.refuse(errStorage(nil), refusedFor, at(seconds), e) })
	}
	revoked := signal(false, ReasonRevoked)
	return map[string]map[string]transition{
		"refuse": {
			"unchecked":          {from: held(opaque), do: refuse(0), state: Unverified},
			"signed in":          {from: signedIn(), do: refuse(0), state: Unverified},
			"doubted, too early": {from: doubted(), do: refuse(29), state: Unverified},
			"doubted":            {from: old(doubted()), do: refuse(30), state: Expired, auth: revoked},
			"not often enough":   {from: with(signedIn(), func(r *record) { r.standing.doubt(at(0).uptime, time.Hour, refusedFor) }), do: refuse(90), state: Unverified},
			"too close together": {from: with(signedIn(), func(r *record) {
				r.standing.doubt(at(0).uptime, time.Hour, refusedFor)
				r.standing.doubt(at(9).uptime, time.Hour, refusedFor)
			}), do: refuse(30), state: Unverified},
			"young":           {from: with(signedIn(), func(r *record) { doubtYoung(&r.standing) }), do: refuse(59), state: Unverified},
			"no longer young": {from: with(signedIn(), func(r *record) { doubtYoung(&r.standing) }), do: refuse(60), state: Expired, auth: revoked},
			"of the owner":    {from: with(old(switched()), func(r *record) { doubt(&r.ownerStanding) }), do: refuse(30), state: SignedIn},
			"of the owner, too": {
				from: with(old(lockedOut()), func(r *record) { doubt(&r.ownerStanding) }), do: refuse(30),
				state: Expired, auth: revoked,
			},
			"past its end": {
				from: with(doubted(), func(r *record) { r.Auth.ExpiresAt = noon }), do: refuse(30),
				state: Expired, auth: signal(false, ReasonExpired),
			},
			"of a key, past its end": {
				from: with(bound(), func(r *record) { r.Auth.ExpiresAt = noon; doubt(&r.standing) }), do: refuse(30),
				state: Expired, auth: revoked,
			},
			"ended": {from: ended(), do: refuse(9), state: Expired},
		},
	}
}

// userRefusals follow when plex.tv refuses the token of a home user.
func userRefusals() map[string]map[string]transition {
	refuseUser := func(noOther error, seconds int) func(*record, *Event) error {
		return signals(func(r *record, e *Event) { r.refuseUser(errStorage(nil), noOther, refusedFor, at(seconds), e) })
	}
	refusal := &plextv.Error{Kind: plextv.Refused}
	fault := &plextv.Error{Kind: plextv.ServerError}
	toOther := signal(true, ReasonUserSwitched)
	revoked := signal(false, ReasonRevoked)
	locked := signal(false, ReasonUserLocked)
	return map[string]map[string]transition{
		"refuseUser": {
			"first":                      {from: switched(), do: refuseUser(errProtected, 0), state: Unverified},
			"too early":                  {from: doubtedUser(), do: refuseUser(errProtected, 29), state: Unverified},
			"protected":                  {from: doubtedUser(), do: refuseUser(errProtected, 30), state: Locked, auth: locked},
			"protected, again":           {from: lockedOut(), do: refuseUser(errProtected, 90), state: Locked},
			"gone, too early":            {from: doubtedUser(), do: refuseUser(errNoHomeUser, 29), state: Unverified},
			"gone":                       {from: doubtedUser(), do: refuseUser(errNoHomeUser, 30), state: SignedIn, auth: toOther},
			"gone while locked":          {from: lockedOut(), do: refuseUser(errNoHomeUser, 90), state: SignedIn, auth: toOther},
			"owner not asked":            {from: doubtedUser(), do: refuseUser(fault, 90), state: Unverified},
			"owner in doubt":             {from: doubtedUser(), do: refuseUser(refusal, 90), state: Unverified},
			"owner's sign-in has ended":  {from: with(doubtedUser(), ownerEnded), do: refuseUser(refusal, 90), state: Expired, auth: revoked},
			"owner's has ended, no word": {from: with(doubtedUser(), ownerEnded), do: refuseUser(fault, 90), state: Unverified},
		},
	}
}
