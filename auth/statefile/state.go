// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// State is everything the daemon remembers across restarts. Strings are kept
// exactly as given. Times are kept in UTC, truncated to whole seconds.
type State struct {
	// ClientID is the X-Plex-Client-Identifier of this installation.
	ClientID string
	// DeviceKey is the key that plex.tv knows ClientID by; nil when it knows
	// none. Both survive a sign-out together.
	DeviceKey *DeviceKey
	// Auth is the account in use; nil when nobody is signed in.
	Auth *Auth
	// Owner is the account that signed in, while Auth is another user of its
	// Plex Home; otherwise nil. It is not kept without Auth.
	Owner *Auth
	// Pairing is the pairing under way; nil when there is none.
	Pairing *Pairing
	// GivenUp are pairings that have ended on the box, the newest first, while
	// plex.tv may still let somebody claim their PINs.
	GivenUp [MaxGivenUp]*Pairing
	// Servers is what plex.tv last said of the media servers; nil when
	// nothing. It is not kept without Auth.
	Servers *Servers
	// HomePin counts recent wrong home PINs; nil when there were none.
	HomePin *HomePin
	// Pauses are what plex.tv has asked for; nil when there are none.
	Pauses *Pauses
	// PlexURL is the address of plex.tv that gave DeviceKey, Auth, Owner, Pairing
	// and Servers; "" when that is not known.
	PlexURL string
	// Away is what another address gave, until that is in use again.
	Away Away
}

// MaxGivenUp is how many pairings are remembered after their end.
const MaxGivenUp = 8

// Away is a sign-in at another address of plex.tv.
type Away struct {
	// PlexURL is the address; "" for no sign-in.
	PlexURL string
	// ClientID, DeviceKey, Auth and Owner are as in [State].
	ClientID    string
	DeviceKey   *DeviceKey
	Auth, Owner *Auth
}

// DeviceKey is an Ed25519 key of which plex.tv has the public part. It is
// of no use unless it is whole: see package devicekey.
type DeviceKey struct {
	// Kid is the RFC 7638 thumbprint of the key.
	Kid string
	// PrivateKey is its private part in base64url.
	PrivateKey secret.String
	// CreatedAt is when it was made; zero when not known.
	CreatedAt time.Time
}

// Auth is an account, its token and what is remembered with it.
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
	// Kid names the device key that the token is bound to; "" for none.
	Kid string
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
	// ExpiresAt is when the box ends the pairing; zero when not known.
	ExpiresAt time.Time
	// PlexExpiresAt is when plex.tv ends the PIN; zero when not known.
	PlexExpiresAt time.Time
	// Token is there between the claim and the sign-in: plex.tv may show it
	// only once.
	Token secret.String
	// ClientID is the identifier that the PIN was asked with; "" is the box's.
	ClientID string
	// Kid and PrivateKey are the device key that the PIN was asked with; both
	// empty for none.
	Kid        string
	PrivateKey secret.String
	// PlexURL is the address of plex.tv that gave the PIN; "" when not known.
	PlexURL string
	// Unwanted is set when a claim must not sign in any more: its token is to be
	// revoked.
	Unwanted bool
}

// Servers is an answer of plex.tv about media servers. It has a file of its own,
// see [ServersName].
type Servers struct {
	// List is the answer in JSON, with the servers' tokens in it. One that makes
	// the file longer than 1 MiB is not kept.
	List secret.String
	// OwnToken is the token for the account's own servers; empty for none.
	OwnToken secret.String
}

// HomePin is how often a home PIN was wrong, to slow down guessing.
type HomePin struct {
	// Wrong is the number of wrong PINs in a row.
	Wrong uint64
	// RetryAt is when the next PIN may be tried; zero for at once.
	RetryAt time.Time
}

// Pauses are those that plex.tv has asked for, which a restart does not end.
type Pauses struct {
	// Until says which questions wait until when.
	Until string
}

// normalised returns s as the file can hold it, so that it can be compared with
// what the file reads back as. It shares nothing with s: secrets are sealed and
// opened in the copy.
func (s State) normalised() State {
	s = s.whole()
	s.Auth, s.Owner = copied(s.Auth), copied(s.Owner)
	s.DeviceKey, s.Pairing = copied(s.DeviceKey), copied(s.Pairing)
	s.Servers, s.HomePin, s.Pauses = copied(s.Servers), copied(s.HomePin), copied(s.Pauses)
	s.Away.Auth, s.Away.Owner, s.Away.DeviceKey = copied(s.Away.Auth), copied(s.Away.Owner), copied(s.Away.DeviceKey)
	for i, p := range s.GivenUp {
		s.GivenUp[i] = copied(p)
	}
	for _, sec := range layout(&s) {
		for _, f := range sec.fields {
			if at, ok := f.at.(*time.Time); ok {
				*at = wholeSeconds(*at)
			}
		}
	}
	return s
}

// whole returns s without the parts that lack what they are for: an account has a
// token and a pairing has a PIN at plex.tv. Nothing that takes somebody's token
// outlives Auth.
func (s State) whole() State {
	if s.Auth == nil || s.Auth.Token.IsZero() {
		s.Auth, s.Owner, s.Servers = nil, nil, nil
	}
	if s.Owner != nil && s.Owner.Token.IsZero() {
		s.Owner = nil
	}
	if s.Pairing != nil && s.Pairing.PlexID.IsZero() {
		s.Pairing = nil
	}
	for i, p := range s.GivenUp {
		if p != nil && p.PlexID.IsZero() {
			s.GivenUp[i] = nil
		}
	}
	if s.Away.PlexURL == "" || s.Away.Auth != nil && s.Away.Auth.Token.IsZero() {
		s.Away = Away{}
	}
	return s
}

// copied returns a pointer to a copy of what p points to.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
