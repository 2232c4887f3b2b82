package daemon

import "github.com/retune-tv/plexauthd/auth"

// statusOf says in words how things stand. Everybody on the box can read it
// with systemctl status, so it names nobody.
func statusOf(s *auth.Snapshot) string {
	text := stateText(s)
	if s.Problem != "" {
		text += "; the state cannot be kept: " + s.Problem
	}
	if s.Advice != "" {
		text += "; " + s.Advice
	}
	return text
}

func stateText(s *auth.Snapshot) string {
	switch s.State {
	case auth.SignedOut:
		return "Nobody is signed in to Plex"
	case auth.PairingNow:
		return but("Waiting for somebody to enter the code at "+s.Pairing.LinkURI, s.Trouble)
	case auth.SignedIn:
		return but("Signed in to Plex", s.Trouble)
	case auth.Unverified:
		if s.Trouble == "" {
			return "Signed in to Plex, but plex.tv could not be asked yet"
		}
		return "Signed in to Plex, but not confirmed: " + s.Trouble
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
