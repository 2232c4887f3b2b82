// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"sync/atomic"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const properties = names.Properties

// overtaken is a daemon that changes while it answers: the signal goes out before
// the first answer, which is older.
type overtaken struct {
	conn  *dbus.Conn
	asked atomic.Int32
}

type pin struct {
	ID               uint64
	Code, Link, Auth string
	ExpiresAt        int64
}

func pairingWith(code string) map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"Authenticated": dbus.MakeVariant(false), "State": dbus.MakeVariant("pairing"),
		"Pin": dbus.MakeVariant(pin{1, code, "https://plex.tv/link", "https://plex.tv/link/?pin=" + code, 0}),
	}
}

func (o *overtaken) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	if o.asked.Add(1) > 1 {
		return pairingWith("NEW1"), nil
	}
	err := o.conn.Emit(names.Path, properties+".PropertiesChanged", names.Main, pairingWith("NEW1"), []string{})
	if err != nil {
		return nil, dbus.MakeFailedError(err)
	}
	return pairingWith("OLD1"), nil
}

func TestSignalThatOvertakesTheAnswer(t *testing.T) {
	for name, command := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := bustest.Session(t)
			conn := bus.Own(t, names.Bus)
			if err := conn.Export(&overtaken{conn: conn}, names.Path, properties); err != nil {
				t.Fatal(err)
			}
			b := &box{Box: &daemontest.Box{TB: t, Bus: bus}}
			b.run(command, watching...).Await(asksFor("NEW1"))
		})
	}
}
