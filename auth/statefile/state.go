package statefile

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// State is all that the daemon remembers over a restart. Strings are kept
// exactly as they are given. Times are kept in UTC and whole seconds; what is
// smaller is cut off.
type State struct {
	// ClientID is the X-Plex-Client-Identifier of this installation.
	ClientID string
	// Auth is the account that is signed in; nil when nobody is.
	Auth *Auth
	// Pairing is the pairing under way; nil when there is none.
	Pairing *Pairing
}

// Auth is an account, its token and what is remembered beside it.
type Auth struct {
	// SelectedServerID and SelectedServerURI name the media server in use.
	SelectedServerID, SelectedServerURI string
	// Token is the account's X-Plex-Token.
	Token secret.String
	// UserID, Username, Email and Thumb are as plex.tv tells them.
	UserID, Username, Email, Thumb string
	// IssuedAt and ExpiresAt are the token's times; zero when not known.
	IssuedAt, ExpiresAt time.Time

	// The fields below have a table of the daemon's own in the file.

	// UUID and Title are as plex.tv tells them.
	UUID, Title string
	// HomeAdmin and Restricted are the account's standing in its Plex Home.
	HomeAdmin, Restricted bool
	// RefusedAt is when plex.tv refused the token; zero while it has not.
	RefusedAt time.Time
}

// Pairing is a sign-in that waits for a person to claim its PIN.
type Pairing struct {
	// ID is the daemon's own number for the pairing.
	ID uint64
	// PlexID is plex.tv's id of the PIN, which together with the client
	// identifier fetches the token.
	PlexID secret.String
	// Code is what the person types or scans.
	Code string
	// Strong is set for a long code.
	Strong bool
	// ExpiresAt is when plex.tv ends the PIN; zero when not known.
	ExpiresAt time.Time
	// Token is there between the claim and the sign-in: plex.tv may show it
	// only once.
	Token secret.String
}

// normalised returns s as the file can hold it, so that it can be compared with
// what the file reads back as. It shares nothing with s: secrets are sealed and
// opened in the copy.
func (s State) normalised() State {
	if s.Auth != nil {
		auth := *s.Auth
		auth.IssuedAt, auth.ExpiresAt = wholeSeconds(auth.IssuedAt), wholeSeconds(auth.ExpiresAt)
		auth.RefusedAt = wholeSeconds(auth.RefusedAt)
		s.Auth = &auth
	}
	if s.Pairing != nil {
		pairing := *s.Pairing
		pairing.ExpiresAt = wholeSeconds(pairing.ExpiresAt)
		s.Pairing = &pairing
	}
	return s
}

func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
