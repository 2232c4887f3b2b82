// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// otherProcessor makes a package whose programs end as those for a newer processor do.
const otherProcessor = `dpkg-deb --raw-extract /opt/box/plexauthd.deb /run/other
printf '#!/bin/sh\nkill -ILL $$\n' > /run/other/usr/sbin/plexauthd
dpkg-deb -Zgzip -z1 --build --root-owner-group /run/other /run/other.deb`

const notStarted = "plexauthd: the service does not start: "

func TestInstallationSaysThatTheServiceDoesNotStart(t *testing.T) {
	b := &box{bootedtest.Boot(t, bootedtest.Options{})}
	b.Run(t, "sh", "-ec", otherProcessor)
	b.installs(t, "/run/other.deb", notStarted+"this processor does not run its program")

	b.Write(t, "/etc/plexauthd/config.toml", "[plex]\ncolour = \"red\"\n")
	b.installs(t, "/opt/box/plexauthd.deb", notStarted+`"systemctl status plexauthd" says why`)
	if status, _ := b.Try("systemctl", "status", "--no-pager", "plexauthd"); !strings.Contains(status, "plex.colour") {
		t.Errorf("systemctl status does not say why:\n%s", status)
	}

	b.Write(t, "/etc/plexauthd/config.toml", "")
	b.installs(t, "/opt/box/plexauthd.deb", "")
	bootedtest.MustEqual(t, "service", b.Unit("ActiveState"), "active")
}

// installs installs a package, which has to succeed, and looks for one line that
// begins with text, or for no line about a service that does not start.
func (b *box) installs(t *testing.T, file, text string) {
	t.Helper()
	out := b.Run(t, "dpkg", "--install", "--force-confold", file)
	if found := strings.Count("\n"+out, "\n"+notStarted); text == "" && found != 0 || text != "" && found != 1 {
		t.Errorf("installing %s says %d times that the service does not start:\n%s", file, found, out)
	}
	if !strings.Contains(out, text) {
		t.Errorf("installing %s does not say %q:\n%s", file, text, out)
	}
}
