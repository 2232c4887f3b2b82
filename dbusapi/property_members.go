package dbusapi

import (
	"context"
	"maps"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// propertySource has the properties of one object.
type propertySource interface {
	// values gives the properties of an interface by name, nil if it has none.
	values(iface string) map[string]any
	// set changes a property that values has.
	set(ctx context.Context, c *call, name string, value dbus.Variant) error
}

// propertyMembers are org.freedesktop.DBus.Properties, as the D-Bus
// specification has it, for one object.
type propertyMembers struct {
	object object
	source propertySource
}

func (p *propertyMembers) members() members {
	iface, property := arg{"interface_name", "s"}, arg{"property_name", "s"}
	return members{
		"Get":    {in: []arg{iface, property}, run: p.get},
		"GetAll": {in: []arg{iface}, run: p.getAll},
		"Set":    {in: []arg{iface, property, {"value", "v"}}, run: p.set},
	}
}

func (p *propertyMembers) get(_ context.Context, c *call) ([]any, error) {
	values, err := p.of(c.body[0].(string))
	if err != nil {
		return nil, err
	}
	value, ok := values[c.body[1].(string)]
	if !ok {
		return nil, unknownProperty(c.body[1].(string))
	}
	return []any{dbus.MakeVariant(value)}, nil
}

func (p *propertyMembers) getAll(_ context.Context, c *call) ([]any, error) {
	values, err := p.of(c.body[0].(string))
	if err != nil {
		return nil, err
	}
	all := map[string]dbus.Variant{}
	for name, value := range values {
		all[name] = dbus.MakeVariant(value)
	}
	return []any{all}, nil
}

func (p *propertyMembers) set(ctx context.Context, c *call) ([]any, error) {
	values, err := p.of(c.body[0].(string))
	if err != nil {
		return nil, err
	}
	name := c.body[1].(string)
	if _, ok := values[name]; !ok {
		return nil, unknownProperty(name)
	}
	return nil, p.source.set(ctx, c, name, c.body[2].(dbus.Variant))
}

// of gives the properties of an interface; "" stands for all interfaces.
func (p *propertyMembers) of(iface string) (map[string]any, error) {
	if iface == "" {
		all := map[string]any{}
		for iface := range p.object {
			maps.Copy(all, p.source.values(iface))
		}
		return all, nil
	}
	_, found := p.object[iface]
	if iface != peer && (!found || iface == ownPeer) {
		return nil, dbus.NewError(names.ErrUnknownInterface, []any{"there is no interface " + iface})
	}
	return p.source.values(iface), nil
}

func unknownProperty(name string) error {
	return dbus.NewError(names.ErrUnknownProperty, []any{"there is no property " + name})
}

func readOnly(name string) error {
	return dbus.NewError(names.ErrPropertyReadOnly, []any{name + " is read-only"})
}
