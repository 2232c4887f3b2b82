// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// settingTransitions follow from settings, and from what plex.tv says of servers and pauses.
func settingTransitions() map[string]map[string]transition {
	in := signal(true, ReasonSignedIn)
	out := signal(false, ReasonSignedOut)
	list := &statefile.Servers{List: secret.New("[]")}
	return map[string]map[string]transition{
		"configure": {"signed in": {from: signedIn(), state: SignedIn, do: signals(func(r *record, e *Event) { r.configure(Settings{Mode: ModeJWT}, e) })}},
		"moveTo": {
			"first":     {from: signedIn(), state: SignedIn, do: signals(func(r *record, e *Event) { r.moveTo("a", e) })},
			"elsewhere": {from: moved(signedIn(), "a"), state: SignedOut, do: signals(func(r *record, e *Event) { r.moveTo("b", e) }), auth: out},
			"back":      {from: moved(signedIn(), "a", "b"), state: Unverified, do: signals(func(r *record, e *Event) { r.moveTo("a", e) }), auth: in},
			"third":     {from: moved(signedIn(), "a", "b", "c"), state: Unverified, do: signals(func(r *record, e *Event) { r.moveTo("a", e) }), auth: in},
		},
		"selectServer": {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.selectServer(Server{MachineID: "m"}) })}},
		"keepPauses":   {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.keepPauses("GET / until noon") })}},
		"reportPlex":   {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.reportPlex(&plextv.Error{Kind: plextv.ServerError}) })}},
		"keepServers":  {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.keepServers(list, at(1)) })}},
		"emptyAgain":   {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.emptyAgain(true, at(1)) })}},
	}
}

// keyTransitions are those of the device key.
func keyTransitions() map[string]map[string]transition {
	renew := func(userID string) func(*record, *Event) error {
		return func(r *record, e *Event) error {
			return r.renew(secret.New("eyJuZXc.e30.c2ln"), devicekey.Claims{UserID: userID}, at(1), e)
		}
	}
	in := signal(true, ReasonSignedIn)
	discard := quiet(func(r *record) { r.discardKeyless(noon) })
	return map[string]map[string]transition{
		"noteKey": {
			"bound":   {from: bound(), do: quiet((*record).noteKey), state: SignedIn},
			"unbound": {from: signedIn(), do: quiet((*record).noteKey), state: SignedIn},
		},
		"discardKeyless": {
			"key":    {from: bound(), do: discard, state: SignedIn},
			"no key": {from: with(bound(), func(r *record) { r.DeviceKey = nil }), do: discard, state: Expired, loading: true},
		},
		"addKey": {"signed in": {from: signedIn(), state: SignedIn, do: func(r *record, _ *Event) error { _, err := r.addKey(noon); return err }}},
		"renew": {
			"unchecked":    {from: held(jwt), do: renew(ann.ID), state: SignedIn},
			"ended":        {from: with(bound(), func(r *record) { r.Auth.RefusedAt = noon }), do: renew(ann.ID), state: SignedIn, auth: in},
			"of the owner": {from: with(switched(), func(r *record) { r.standing.reset() }), do: renew(ann.ID), state: Unverified},
			"of somebody":  {from: bound(), do: renew(kim.ID), state: SignedIn, err: errOtherAccount},
		},
	}
}

// pairingTransitions are those of a pairing.
func pairingTransitions() map[string]map[string]transition {
	in := signal(true, ReasonSignedIn)
	claim := signals(func(r *record, e *Event) { r.claim(7, &statefile.Auth{Token: opaque}, false, at(1), e) })
	start := signals(func(r *record, e *Event) { r.startPairing(&statefile.Pairing{ID: 8}, e) })
	cancel := signals(func(r *record, e *Event) { r.endPairing(PinCancelled, e) })
	return map[string]map[string]transition{
		"startPairing": {
			"signed out": {from: signedOut(), do: start, state: PairingNow},
			"pairing":    {from: pairing(), do: start, state: PairingNow, pin: PinCancelled},
			"signed in":  {from: signedIn(), do: start, state: SignedIn},
			"ended":      {from: ended(), do: start, state: PairingNow},
		},
		"endPairing":    {"cancelled": {from: pairing(), do: cancel, state: SignedOut, pin: PinCancelled}},
		"correctExpiry": {"pairing": {from: pairing(), state: PairingNow, do: quiet(func(r *record) { r.correctExpiry(noon) })}},
		"giveUp": {
			"cancelled": {from: pairing(), do: signals(func(r *record, e *Event) { r.giveUp(PinCancelled, e) }), state: SignedOut, pin: PinCancelled},
			"timed out": {from: pairing(), do: signals(func(r *record, e *Event) { r.giveUp(PinTimedOut, e) }), state: SignedOut, pin: PinTimedOut},
		},
		"forgetPairing": {"given up": {from: givenUp(false), do: quiet(func(r *record) { r.forgetPairing(7) }), state: SignedOut}},
		"keepToken":     {"pairing": {from: pairing(), state: PairingNow, do: quiet(func(r *record) { r.keepToken(7, opaque) })}},
		"claim": {
			"given up":   {from: givenUp(false), do: claim, state: SignedIn, auth: in},
			"unwanted":   {from: givenUp(true), do: claim, state: SignedOut},
			"signed out": {from: pairing(), do: claim, state: SignedIn, auth: in, pin: PinClaimed},
			"ended":      {from: with(ended(), func(r *record) { r.Pairing = pairing().Pairing }), do: claim, state: SignedIn, auth: in, pin: PinClaimed},
		},
	}
}

// signInTransitions sign in and out.
func signInTransitions() map[string]map[string]transition {
	signIn := func(token secret.String, checked bool) func(*record, *Event) error {
		return signals(func(r *record, e *Event) {
			r.signIn(&statefile.Auth{Token: token, UserID: ann.ID}, checked, at(1), e)
		})
	}
	in := signal(true, ReasonSignedIn)
	out := signal(false, ReasonSignedOut)
	signOut := func(r *record, e *Event) error { return r.signOut(e) }
	return map[string]map[string]transition{
		"signIn": {
			"signed out, checked": {from: signedOut(), do: signIn(opaque, true), state: SignedIn, auth: in},
			"signed out":          {from: signedOut(), do: signIn(opaque, false), state: Unverified, auth: in},
			"same token":          {from: signedIn(), do: signIn(opaque, true), state: SignedIn},
			"other token":         {from: signedIn(), do: signIn(jwt, true), state: SignedIn, auth: in},
			"ended":               {from: ended(), do: signIn(opaque, true), state: SignedIn, auth: in},
			"switched":            {from: switched(), do: signIn(opaque, true), state: SignedIn, auth: in},
		},
		"signOut": {
			"signed out": {from: signedOut(), do: signOut, state: SignedOut},
			"signed in":  {from: signedIn(), do: signOut, state: SignedOut, auth: out},
			"doubted":    {from: doubted(), do: signOut, state: SignedOut, auth: out},
			"ended":      {from: ended(), do: signOut, state: SignedOut, auth: out},
			"switched":   {from: switched(), do: signOut, state: SignedOut, auth: out},
			"unreadable": {from: with(signedOut(), func(r *record) { r.unreadable = true }), do: signOut, state: SignedOut, err: errStorage(nil)},
		},
	}
}

// homeTransitions are those of the users of a home.
func homeTransitions() map[string]map[string]transition {
	switchUser := func(to plextv.User) func(*record, *Event) error {
		return signals(func(r *record, e *Event) {
			r.switchUser(plextv.HomeUser{ID: to.ID}, secret.New("another-token"), to, at(1), e)
		})
	}
	in := signal(true, ReasonSignedIn)
	toOther := signal(true, ReasonUserSwitched)
	replaceUser := signals(func(r *record, e *Event) { r.replaceUserToken(opaque, kim, at(1), e) })
	return map[string]map[string]transition{
		"nameOwner": {
			"signed in": {from: signedIn(), do: quiet(func(r *record) { r.nameOwner(ann) }), state: SignedIn},
			"switched":  {from: switched(), do: quiet(func(r *record) { r.nameOwner(ann) }), state: SignedIn},
			"oneself":   {from: switched(), do: quiet(func(r *record) { r.nameOwner(kim) }), state: SignedIn},
		},
		"switchUser": {
			"to another":    {from: signedIn(), do: switchUser(kim), state: SignedIn, auth: toOther},
			"to the same":   {from: signedIn(), do: switchUser(ann), state: SignedIn},
			"back":          {from: switched(), do: switchUser(ann), state: SignedIn, auth: toOther},
			"back, ended":   {from: ended(), do: switchUser(ann), state: SignedIn, auth: toOther},
			"same, doubted": {from: doubted(), do: switchUser(ann), state: SignedIn},
			"locked":        {from: lockedOut(), do: switchUser(kim), state: SignedIn, auth: toOther},
			"back, locked":  {from: lockedOut(), do: switchUser(ann), state: SignedIn, auth: toOther},
		},
		"replaceUserToken": {
			"switched": {from: switched(), do: replaceUser, state: SignedIn},
			"ended":    {from: with(switched(), func(r *record) { r.Auth.RefusedAt = noon }), do: replaceUser, state: SignedIn, auth: in},
		},
		"countPin":    {"signed in": {from: signedIn(), state: SignedIn, do: func(r *record, _ *Event) error { return r.countPin(noon) }}},
		"restorePins": {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.restorePins(nil) })}},
	}
}
