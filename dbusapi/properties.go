package dbusapi

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const propertiesInterface = "org.freedesktop.DBus.Properties"

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
		pin:            pinValue{p.ID, p.Code, p.LinkURI, p.AuthURI, unix(p.ExpiresAt)},
		tokenExpiresAt: unix(s.TokenExpiresAt),
		server:         serverValue{s.Server.MachineID, s.Server.URI},
	}
}

// values gives all properties by name.
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

// changes gives the properties that differ from before.
func (p properties) changes(before properties) map[string]dbus.Variant {
	old, changed := before.values(), map[string]dbus.Variant{}
	for name, value := range p.values() {
		if old[name] != value {
			changed[name] = dbus.MakeVariant(value)
		}
	}
	return changed
}

// unix is a time as it travels: seconds, 0 when not known.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// propertyMembers are org.freedesktop.DBus.Properties as the D-Bus specification has it.
func (s *Service) propertyMembers() members {
	iface, property := arg{"interface_name", "s"}, arg{"property_name", "s"}
	return members{
		"Get":    {in: []arg{iface, property}, run: s.getProperty},
		"GetAll": {in: []arg{iface}, run: s.getAllProperties},
		"Set":    {in: []arg{iface, property, {"value", "v"}}, run: s.setProperty},
	}
}

func (s *Service) getProperty(_ context.Context, c *call) ([]any, error) {
	value, err := s.property(c.body[0].(string), c.body[1].(string))
	if err != nil {
		return nil, err
	}
	return []any{dbus.MakeVariant(value)}, nil
}

func (s *Service) getAllProperties(_ context.Context, c *call) ([]any, error) {
	all := map[string]dbus.Variant{}
	switch iface := c.body[0].(string); iface {
	case names.Main, "":
		for name, value := range s.now().values() {
			all[name] = dbus.MakeVariant(value)
		}
	default:
		if _, known := s.objects[names.Path][iface]; !known {
			return nil, unknownInterface(iface)
		}
	}
	return []any{all}, nil
}

func (s *Service) setProperty(_ context.Context, c *call) ([]any, error) {
	if _, err := s.property(c.body[0].(string), c.body[1].(string)); err != nil {
		return nil, err
	}
	return nil, dbus.NewError(names.ErrPropertyReadOnly, []any{c.body[1].(string) + " is read-only"})
}

func (s *Service) property(iface, name string) (any, error) {
	if _, known := s.objects[names.Path][iface]; !known && iface != "" {
		return nil, unknownInterface(iface)
	}
	if iface == names.Main || iface == "" {
		if value, ok := s.now().values()[name]; ok {
			return value, nil
		}
	}
	return nil, dbus.NewError(names.ErrUnknownProperty, []any{"there is no property " + name})
}

func (s *Service) now() properties { return propertiesOf(s.account.Snapshot(), s.version) }

func unknownInterface(iface string) error {
	return dbus.NewError(names.ErrUnknownInterface, []any{"there is no interface " + iface})
}
