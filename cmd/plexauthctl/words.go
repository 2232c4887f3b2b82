// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/retune-tv/plexauthd/dbusapi/client"

// stateWords describes the state; the user may be unknown.
func stateWords(s client.Status, u client.User) string {
	switch s.State {
	case client.SignedOut:
		return "Nobody is signed in"
	case client.PairingNow:
		return "Nobody is signed in; waiting for a code to be entered"
	case client.SignedIn:
		return signedInAs(u)
	case client.Unverified:
		return signedInAs(u) + ", but plex.tv has not confirmed it yet"
	case client.Expired:
		return "Plex has ended the sign-in: sign in again with plexauthctl login"
	case client.Locked:
		return "The user of the Plex Home has to enter the PIN again: plexauthctl switch"
	default:
		return "State " + plain(string(s.State))
	}
}

// longestTyped is the length up to which a code is one that a person types;
// plex.tv's have 4 characters, the strong ones 25.
const longestTyped = 8

// pairingWords says what somebody has to do to claim the PIN.
func pairingWords(p client.Pairing) string {
	if len(p.Code) <= longestTyped {
		return plain("code " + p.Code + " at " + p.LinkURI)
	}
	if p.AuthURI == "" { // which the property leaves out
		return "a QR code, which plexauthctl login shows"
	}
	return plain("link " + p.AuthURI)
}

func signedInAs(u client.User) string {
	for _, name := range []string{u.Title, u.Username} {
		if name != "" {
			return "Signed in as " + plain(name)
		}
	}
	return "Signed in"
}
