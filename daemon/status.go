// SPDX-License-Identifier: Apache-2.0

package daemon

import "github.com/retune-tv/plexauthd/auth"

// status is the service's status line. Everybody on the box can read it with
// systemctl status, so it names no person. plexauthctl doctor finds in it why the
// state is not kept.
func (d *daemon) status(s *auth.Snapshot) string {
	text := stateText(s)
	if d.inMemory != "" {
		text += "; the sign-in is lost at the next boot: the state is in memory (" + d.inMemory + ")"
	}
	if s.StorageProblem != "" {
		text += "; the state cannot be saved: " + s.StorageProblem
	}
	if s.ConfigWarning != "" {
		text += "; " + s.ConfigWarning
	}
	return text
}

func stateText(s *auth.Snapshot) string {
	switch s.State {
	case auth.SignedOut:
		return "Nobody is signed in to Plex"
	case auth.PairingNow:
		return but("Waiting for somebody to enter the code at "+s.Pairing.LinkURI, s.PlexProblem)
	case auth.SignedIn:
		return but("Signed in to Plex", s.PlexProblem)
	case auth.Unverified:
		if s.PlexProblem == "" {
			return "Signed in to Plex, but plex.tv has not confirmed it yet"
		}
		return "Signed in to Plex, but not confirmed: " + s.PlexProblem
	case auth.Locked:
		return but("The user of the Plex Home has to enter the PIN again", s.PlexProblem)
	default:
		return "Plex has ended the sign-in: sign in again"
	}
}

func but(text, trouble string) string {
	if trouble == "" {
		return text
	}
	return text + ", but " + trouble
}
