// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/status"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// State is where the box stands with plex.tv, in one word.
type State = status.State

// The states; read one that is not here as "not now". A pairing under way is a state of its own only while nobody is signed
// in; [Status.Pin] has it in any state.
const (
	SignedOut  = status.SignedOut
	PairingNow = status.PairingNow
	SignedIn   = status.SignedIn
	Unverified = status.Unverified
	Expired    = status.Expired
	Locked     = status.Locked
)

// Status holds the daemon's properties. Everybody on the box may read them;
// they hold no secret. Statuses can be compared with ==.
type Status struct {
	Authenticated  bool      `json:"authenticated"` // a token is held that plex.tv has not refused
	State          State     `json:"state"`
	Pin            Pairing   `json:"pin,omitzero"` // the pairing under way; the zero value when none
	AuthMode       string    `json:"auth_mode"`    // legacy or jwt
	TokenExpiresAt time.Time `json:"token_expires_at,omitzero"`
	SelectedServer Server    `json:"selected_server,omitzero"` // the zero value when none
	Version        string    `json:"version"`                  // the daemon's
}

// Pairing is a PIN that waits to be claimed.
type Pairing struct {
	ID        uint64    `json:"id"`         // the daemon's number for it
	Code      string    `json:"code"`       // to be shown to a person
	LinkURI   string    `json:"link_uri"`   // where a person types the code
	AuthURI   string    `json:"auth_uri"`   // for a QR code
	ExpiresAt time.Time `json:"expires_at"` // when the code stops working
}

// Server is a media server.
type Server struct {
	MachineID string `json:"machine_id"`
	URI       string `json:"uri"`
}

// State reads all properties of the daemon at once.
func (c *Client) State(ctx context.Context) (Status, error) {
	return readStatus(ctx, c.ask(ctx, names.Properties, "GetAll", names.Main))
}

// stateOf reads the properties of the connection with that unique name.
func (c *Client) stateOf(ctx context.Context, owner string) (Status, error) {
	return readStatus(ctx, c.send(ctx, owner, names.Path, names.Properties, "GetAll", names.Main))
}

func readStatus(ctx context.Context, reply *dbus.Call) (Status, error) {
	if reply.Err != nil {
		return Status{}, callError(ctx, "GetAll", reply.Err)
	}
	var values map[string]dbus.Variant
	err := decode("GetAll", reply, &values)
	return Status{}.with(values), err
}

// with returns the status with new values of some properties.
func (s Status) with(values map[string]dbus.Variant) Status {
	read(values, "Authenticated", &s.Authenticated)
	read(values, "State", &s.State)
	read(values, "AuthMode", &s.AuthMode)
	read(values, "SelectedServer", &s.SelectedServer)
	read(values, "Version", &s.Version)
	readTime(values, "TokenExpiresAt", &s.TokenExpiresAt)
	if value, ok := values["Pin"]; ok {
		var pin pinValue
		_ = value.Store(&pin) // as read
		s.Pin = pin.pairing()
	}
	return s
}

// read stores values[key] in target if it is there. A value of another type
// counts as none: the daemon that sends it is not one this client knows.
func read(values map[string]dbus.Variant, key string, target any) {
	if value, ok := values[key]; ok {
		_ = value.Store(target)
	}
}

func readTime(values map[string]dbus.Variant, key string, target *time.Time) {
	if value, ok := values[key]; ok {
		var seconds int64
		_ = value.Store(&seconds) // as read
		*target = fromUnix(seconds)
	}
}

// fromUnix reads a time as it is sent on the bus: seconds since the epoch, 0 when
// not known.
func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// pinValue is a pairing as it is sent on the bus: (tsssx).
type pinValue struct {
	ID                     uint64
	Code, LinkURI, AuthURI string
	ExpiresAt              int64
}

func (p pinValue) pairing() Pairing {
	return Pairing{ID: p.ID, Code: p.Code, LinkURI: p.LinkURI, AuthURI: p.AuthURI, ExpiresAt: fromUnix(p.ExpiresAt)}
}
