// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const propertiesInterface = names.Properties

// pinValue is the D-Bus struct (tsssx) of the property Pin.
type pinValue struct {
	ID                     uint64
	Code, LinkURI, AuthURI string
	ExpiresAt              int64
}

// serverValue is the D-Bus struct (ss) of the property SelectedServer.
type serverValue struct{ MachineID, URI string }

// properties are the values of the main interface at one moment.
type properties struct {
	version, state, mode string
	authenticated        bool
	pin                  pinValue
	tokenExpiresAt       int64
	server               serverValue
}

func propertiesOf(s *auth.Snapshot, version string) properties {
	p := s.Pairing
	return properties{
		version: version, state: string(s.State), mode: string(s.Mode), authenticated: s.Authenticated,
		pin:            pinValue{p.ID, p.Code, p.LinkURI, publicURI(p), unix(p.ExpiresAt)},
		tokenExpiresAt: unix(s.TokenExpiresAt),
		server:         serverValue{s.Server.MachineID, s.Server.URI},
	}
}

// publicURI leaves out the link of a strong code, which holds the client identifier:
// with that and plex.tv's id of the PIN, which counts up, any reader of the property
// could ask for the token.
func publicURI(p auth.Pairing) string {
	if strings.HasPrefix(p.AuthURI, p.LinkURI) {
		return p.AuthURI
	}
	return ""
}

// values returns all properties by name.
func (p properties) values() map[string]any {
	return map[string]any{
		"Authenticated":  p.authenticated,
		"State":          p.state,
		"Pin":            p.pin,
		"AuthMode":       p.mode,
		"TokenExpiresAt": p.tokenExpiresAt,
		"SelectedServer": p.server,
		"Version":        p.version,
	}
}

// changes returns the properties that differ from before.
func (p properties) changes(before properties) map[string]dbus.Variant {
	old, changed := before.values(), map[string]dbus.Variant{}
	for name, value := range p.values() {
		if old[name] != value {
			changed[name] = dbus.MakeVariant(value)
		}
	}
	return changed
}

// unix returns t as it is sent on the bus: seconds since the epoch, 0 when not
// known.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// mainProperties are the properties of our object.
type mainProperties struct{ version string }

func (p mainProperties) values(now *auth.Snapshot, iface string) map[string]any {
	if iface != names.Main {
		return nil
	}
	return propertiesOf(now, p.version).values()
}

func (p mainProperties) set(_ job, name string, _ dbus.Variant) error {
	return readOnly(name)
}
