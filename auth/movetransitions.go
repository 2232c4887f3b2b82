// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// moveTo is for the address of plex.tv that is in use from now on. What another
// address gave stays behind, and is used again when that address is: no other may
// see a token, a PIN's id or a proof of the device key. Of several addresses the last
// with a sign-in is kept. It reports whether that changed anything.
func (r *record) moveTo(address string, e *Event) (moved bool) {
	switch {
	case address == "" || address == r.PlexURL:
		return false
	case r.PlexURL == "": // not known until now
		r.PlexURL = address
		return true
	}
	before := r.snapshot().Authenticated
	if r.Pairing != nil {
		r.giveUp(PinCancelled, e)
	}
	left, back := statefile.Away{}, r.Away
	if r.Auth != nil || r.DeviceKey != nil {
		left = statefile.Away{PlexURL: r.PlexURL, ClientID: r.ClientID, DeviceKey: r.DeviceKey, Auth: r.Auth, Owner: r.Owner}
	}
	if left.Auth != nil || back.Auth == nil {
		r.Away = left
	}
	r.signIns, r.turns, r.spent = r.signIns+1, r.turns+1, false
	r.DeviceKey, r.Auth, r.Owner, r.Servers = nil, nil, nil, nil
	r.PlexURL, r.plexProblem, r.times = address, "", uptimes{}
	r.resetStanding()
	if back.PlexURL == address {
		r.ClientID, r.DeviceKey = cmp.Or(back.ClientID, r.ClientID), back.DeviceKey
		r.Auth, r.Owner, r.Away = back.Auth, back.Owner, left
	}
	switch now := r.snapshot().Authenticated; {
	case now:
		e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
	case before:
		e.Auth = &AuthChange{Authenticated: false, Reason: ReasonSignedOut}
	}
	return true
}
