// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/auth/status"
)

// State is how the box stands with plex.tv, in one word.
type State = status.State

// The states. A pairing under way shows as Pairing only while no good token is
// held: somebody who adds a second account is still signed in.
const (
	SignedOut  = status.SignedOut
	PairingNow = status.PairingNow
	SignedIn   = status.SignedIn
	Unverified = status.Unverified
	Expired    = status.Expired
	Locked     = status.Locked
)

// Pairing is a PIN that somebody can claim. The zero value is none.
type Pairing struct {
	ID        uint64 // the daemon's own number, never plex.tv's PIN id, which would fetch the token
	Code      string // what a person types, or what the strong link carries
	LinkURI   string // where a person types it
	AuthURI   string // what a QR code holds
	ExpiresAt time.Time
}

// Server is the media server that the user chose. The zero value is none.
type Server struct{ MachineID, URI string }

// User is who is signed in.
type User struct {
	ID, UUID, Username, Title, Email, Thumb string
	HomeAdmin, Restricted                   bool
}

// Credentials are what the state file keeps for the signed-in user.
type Credentials struct {
	Token                      secret.String
	UserID, Username, Email    string
	Thumb                      string
	IssuedAt, ExpiresAt        time.Time // zero: not known
	ServerMachineID, ServerURI string
}

// Headers are HTTP headers, the token among them: they print as "[redacted]".
type Headers map[string]string

// Format implements [fmt.Formatter] for every verb.
func (h Headers) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements [slog.LogValuer].
func (h Headers) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Snapshot is the account at one moment. It is shared and must not be changed,
// its Headers map included.
type Snapshot struct {
	State          State
	Authenticated  bool // a token is held that plex.tv has not refused
	Pairing        Pairing
	Mode           Mode
	TokenExpiresAt time.Time
	Server         Server
	User           *User        // nil when signed out
	Credentials    *Credentials // nil when signed out
	Headers        Headers      // X-Plex-* and Accept, with the token only when Authenticated
	StorageProblem string       // why the state cannot be saved, for people to read; empty when it can
	PlexProblem    string       // why the last question about the token or the PIN failed, for people to read; empty when it did not
	ConfigWarning  string       // what to do about the configuration, for people to read; empty for nothing
	AwayURL        string       // the address of plex.tv that the sign-in belongs to, if that is not the one in use

	locked    bool // the home user in use has to enter the PIN again
	renewable bool // Credentials has a token that the box can renew
}

// token is the answer to [Account.Token].
func (s *Snapshot) token() (secret.String, error) {
	switch {
	case s.Credentials == nil:
		return secret.String{}, errSignedOut()
	case s.locked:
		return secret.String{}, errorf(UserLocked, "the home user who is using the box has to enter the PIN again: switch to a user of the home")
	case !s.Authenticated:
		return secret.String{}, errorf(AuthInvalid, "plex.tv has refused the stored token: sign in again")
	default:
		return s.Credentials.Token, nil
	}
}

func (r *record) state() State {
	switch {
	case r.Pairing != nil && (r.Auth == nil || r.refused()):
		return PairingNow
	case r.Auth == nil:
		return SignedOut
	case r.locked():
		return Locked
	case r.refused():
		return Expired
	case r.standing.good() && !r.standing.doubted():
		return SignedIn
	default:
		return Unverified
	}
}

// mode is that of the token that is held, or else of the next one.
func (r *record) mode() Mode {
	switch owner := r.owner(); {
	case owner != nil && owner.Kid != "", owner == nil && r.settings.Mode == ModeJWT:
		return ModeJWT
	default:
		return ModeLegacy
	}
}

func (r *record) configWarning() string {
	if away := r.awayURL(); away != "" {
		return "plex.url has changed: the sign-in belongs to " + away + " and is back when plex.url names that again"
	}
	if r.owner() != nil && r.mode() == ModeJWT && r.settings.Mode != ModeJWT {
		return "auth.mode is legacy, but the token is bound to a device key and stays so: to go back, sign out and sign in again"
	}
	return ""
}

func (r *record) awayURL() string {
	if r.Auth != nil || r.Away.Auth == nil {
		return ""
	}
	return r.Away.PlexURL
}

// snapshot prepares everything that reads are answered from.
func (r *record) snapshot() *Snapshot {
	s := &Snapshot{
		State:          r.state(),
		Authenticated:  r.Auth != nil && !r.refused(),
		Mode:           r.mode(),
		Headers:        r.identity().Headers(),
		StorageProblem: r.storageProblem,
		ConfigWarning:  r.configWarning(),
		AwayURL:        r.awayURL(),
		locked:         r.locked(),
	}
	if s.State != SignedOut { // in which the daemon asks nothing
		s.PlexProblem = r.plexProblem
	}
	if r.Pairing != nil {
		s.Pairing = pairingView(r.deviceOf(r.Pairing).identity(r.settings), r.Pairing)
	}
	if a := r.Auth; a != nil {
		s.TokenExpiresAt = a.ExpiresAt
		s.Server = Server{MachineID: a.SelectedServerID, URI: a.SelectedServerURI}
		s.User = &User{a.UserID, a.UUID, a.Username, a.Title, a.Email, a.Thumb, a.HomeAdmin, a.Restricted}
		s.Credentials = &Credentials{a.Token, a.UserID, a.Username, a.Email, a.Thumb,
			a.IssuedAt, a.ExpiresAt, a.SelectedServerID, a.SelectedServerURI}
	}
	if s.Authenticated {
		s.Headers["X-Plex-Token"] = r.Auth.Token.Reveal()
		s.renewable = r.DeviceKey != nil && r.boundToKey()
	}
	return s
}

// linkURI is where Plex tells people to type the short code.
const linkURI = "https://plex.tv/link"

func pairingView(id plextv.Identity, p *statefile.Pairing) Pairing {
	return Pairing{ID: p.ID, Code: p.Code, LinkURI: linkURI, AuthURI: authURI(id, p), ExpiresAt: p.ExpiresAt}
}

// authURI follows Plex's "Authenticating with Plex": the short code goes to the
// link page, the strong one to app.plex.tv with the device in the fragment,
// brackets percent-encoded.
func authURI(id plextv.Identity, p *statefile.Pairing) string {
	if !p.Strong {
		return linkURI + "/?pin=" + url.QueryEscape(p.Code)
	}
	q := url.Values{"clientID": {id.ClientID}, "code": {p.Code}}
	for key, value := range map[string]string{
		"product": id.Product, "version": id.Version, "platform": id.Platform,
		"platformVersion": id.PlatformVersion, "device": id.Device, "deviceName": id.DeviceName,
	} {
		if value != "" {
			q.Set("context[device]["+key+"]", value)
		}
	}
	// The fragment is read by a page's script, for which a + is a plus sign.
	return "https://app.plex.tv/auth#?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
