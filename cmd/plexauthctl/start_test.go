// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestServiceThatDoesNotStart(t *testing.T) {
	for state, want := range map[string]string{
		"masked":    "plexauthd.service is masked, so nothing can start it: if it is to run, systemctl unmask plexauthd",
		"failed":    "plexauthd.service has failed (exit status 2): see journalctl -x -u plexauthd",
		"loaded":    "plexauthd.service is stopped: start it with systemctl start plexauthd",
		"not-found": "plexauthd is not running: start it with systemctl start plexauthd",
	} {
		p := newPerson(t)
		p.StopDaemon()
		unit := bustest.Unit{"LoadState": state, "ActiveState": "inactive"}
		if state == "failed" {
			unit = bustest.Unit{"LoadState": "loaded", "ActiveState": "failed"}
		}
		bustest.NewSystemd(t, p.Bus, unit)
		for _, command := range []string{"status", "login", "import", "logout", "validate", "headers", "users", "switch bob", "servers"} {
			status, _, stderr := p.run(append(strings.Fields(command), "--bus", "system")...)
			if status != exitFailed || !strings.HasSuffix(stderr, want+"\n") {
				t.Errorf("%s, with the unit %s: %d, %s", command, state, status, stderr)
			}
		}
	}
}
