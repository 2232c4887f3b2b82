// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
)

// TestGroupsThatTheBusDoesNotReport are looked up in the files, but not for a caller of
// whom the bus says that it has none.
func TestGroupsThatTheBusDoesNotReport(t *testing.T) {
	for _, c := range []struct {
		reported map[string]dbus.Variant
		want     []uint32
	}{
		{map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(0))}, accessgroup.Of(0)},
		{map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(0)), "UnixGroupIDs": dbus.MakeVariant([]uint32{})}, nil},
		{map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(0)), "UnixGroupIDs": dbus.MakeVariant([]uint32{7})}, []uint32{7}},
	} {
		if who, err := identityIn(c.reported); err != nil || !slices.Equal(who.groups, c.want) {
			t.Errorf("%v: %+v, %v, want groups %v", c.reported, who, err, c.want)
		}
	}
	if len(accessgroup.Of(0)) == 0 {
		t.Error("root has no group")
	}
	if _, err := identityIn(nil); err == nil {
		t.Error("a caller without a user is one")
	}
}
