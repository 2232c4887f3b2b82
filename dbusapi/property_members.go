// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"maps"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// propertySource has the properties of one object. Its methods must not block.
type propertySource interface {
	// values returns the properties of an interface by name, nil if it has none.
	values(now *auth.Snapshot, iface string) map[string]any
	// set changes a property that values has.
	set(j job, name string, value dbus.Variant) error
}

// propertyMembers implements org.freedesktop.DBus.Properties for one object.
type propertyMembers struct {
	object object
	source propertySource
	fresh  bool // the values depend on more than the account
}

func (p *propertyMembers) members() members {
	iface, property := arg{"interface_name", "s"}, arg{"property_name", "s"}
	return members{
		"Get":    {in: []arg{iface, property}, atOnce: p.get, fresh: p.fresh},
		"GetAll": {in: []arg{iface}, atOnce: p.getAll, fresh: p.fresh},
		"Set":    {in: []arg{iface, property, {"value", "v"}}, atOnce: p.set, fresh: true},
	}
}

func (p *propertyMembers) get(now *auth.Snapshot, j job) ([]any, error) {
	values, err := p.of(now, j.args[0].(string))
	if err != nil {
		return nil, err
	}
	value, ok := values[j.args[1].(string)]
	if !ok {
		return nil, unknownProperty(j.args[1].(string))
	}
	return []any{dbus.MakeVariant(value)}, nil
}

func (p *propertyMembers) getAll(now *auth.Snapshot, j job) ([]any, error) {
	values, err := p.of(now, j.args[0].(string))
	if err != nil {
		return nil, err
	}
	all := map[string]dbus.Variant{}
	for name, value := range values {
		all[name] = dbus.MakeVariant(value)
	}
	return []any{all}, nil
}

func (p *propertyMembers) set(now *auth.Snapshot, j job) ([]any, error) {
	values, err := p.of(now, j.args[0].(string))
	if err != nil {
		return nil, err
	}
	name := j.args[1].(string)
	if _, ok := values[name]; !ok {
		return nil, unknownProperty(name)
	}
	return nil, p.source.set(j, name, j.args[2].(dbus.Variant))
}

// of returns the properties of an interface; "" is all interfaces.
func (p *propertyMembers) of(now *auth.Snapshot, iface string) (map[string]any, error) {
	if iface == "" {
		all := map[string]any{}
		for iface := range p.object {
			maps.Copy(all, p.source.values(now, iface))
		}
		return all, nil
	}
	if _, found := p.object[iface]; !found {
		return nil, dbus.NewError(names.ErrUnknownInterface, []any{"there is no interface " + iface})
	}
	return p.source.values(now, iface), nil
}

func unknownProperty(name string) error {
	return dbus.NewError(names.ErrUnknownProperty, []any{"there is no property " + name})
}

func readOnly(name string) error {
	return dbus.NewError(names.ErrPropertyReadOnly, []any{name + " is read-only"})
}
