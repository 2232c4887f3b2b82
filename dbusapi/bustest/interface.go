// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"encoding/xml"
	"testing"

	"github.com/godbus/dbus/v5/introspect"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Interface is what [names.XML] says.
func Interface(t testing.TB) (node introspect.Node) {
	t.Helper()
	if err := xml.Unmarshal([]byte(names.XML), &node); err != nil {
		t.Fatal(err)
	}
	return node
}
