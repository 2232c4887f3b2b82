// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

// Unit is what systemd says of plexauthd.service: properties of
// org.freedesktop.systemd1.Unit.
type Unit map[string]any

// Systemd stands in for a systemd, one that knows plexauthd.service alone. Of the
// last daemon it says that it has ended with status 2.
type Systemd struct {
	Asked chan struct{} // gets something when it has been asked for the unit

	says chan Unit
}

// NewSystemd puts one on a bus, which is the system bus from then on. It says the
// first thing to the first who asks, and so on, and the last one to all others.
func NewSystemd(t testing.TB, bus *Bus, says ...Unit) *Systemd {
	t.Helper()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.Address)
	s := &Systemd{make(chan struct{}, 100), make(chan Unit, len(says))}
	for _, u := range says {
		s.says <- u
	}
	const path = "/org/freedesktop/systemd1/unit/plexauthd_2eservice"
	conn := bus.Own(t, "org.freedesktop.systemd1")
	if err := conn.Export(properties{s}, path, "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	return s
}

// properties are methods of org.freedesktop.DBus.Properties.
type properties struct{ *Systemd }

// GetAll gives the unit.
func (p properties) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	u := <-p.says
	if len(p.says) == 0 {
		p.says <- u
	}
	values := map[string]dbus.Variant{}
	for name, value := range u {
		values[name] = dbus.MakeVariant(value)
	}
	p.Asked <- struct{}{}
	return values, nil
}

// Get gives a property of the service.
func (properties) Get(_, name string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(Unit{"Result": "exit-code", "ExecMainStatus": int32(2)}[name]), nil
}
