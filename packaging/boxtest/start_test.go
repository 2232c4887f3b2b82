// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// unstartable is a service that does not start, and what plexauthctl says of it. It
// would say something else after 10 s, for which dbus-daemon keeps callers waiting.
var unstartable = []struct{ wreck, says string }{
	{`systemctl mask plexauthd`, "plexauthd.service is masked, so nothing can start it: if it is to run, systemctl unmask plexauthd"},
	{`printf '[plex]\ncolour = "red"\n' > /etc/plexauthd/config.toml`, "plexauthd.service has failed (exit status 2): see journalctl -x -u plexauthd"},
	{wreckUnit + `'ExecStart=\nExecStart=/bin/false\nRestart=no\n'`, "plexauthd.service has failed (exit status 1): see journalctl -x -u plexauthd"},
	{wreckUnit + `'ExecStart=\nExecStart=/bin/false\nRestartSec=1h\n'`, "plexauthd.service fails (exit status 1), and systemd tries again: see journalctl -x -u plexauthd"},
	{wreckUnit + `'User=no-such-user\n'`, "(exit status 217)"},
	{wreckUnit + `'ExecStart=\nExecStart=/usr/sbin/none\nRestart=no\n'`, "plexauthd.service has failed (exit status 203)"},
	{wreckUnit + `'ExecStart=/bin/true\n'`, "plexauthd.service cannot be loaded (bad-setting)"}, // one too many
}

func TestServiceThatDoesNotStartIsSaidAtOnce(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		for _, c := range unstartable {
			// Each in a box of its own: dbus-daemon asks systemd for nothing more for 25 s.
			t.Run(c.says, func(t *testing.T) {
				b := bootWithPlex(t, bootedtest.Options{Bus: bus})
				b.addUsers(t)
				b.dropIn(t, "")
				b.Run(t, "systemctl", "stop", "plexauthd")
				b.Run(t, "sh", "-ec", c.wreck)
				b.Run(t, "systemctl", "daemon-reload")
				for _, user := range []string{"root", "other"} {
					out, err := b.As(user, "plexauthctl", "status").CombinedOutput()
					if err == nil || !strings.Contains(string(out), c.says) || strings.Contains(string(out), "systemctl start") {
						t.Errorf("%s is told %v: %s", user, err, out)
					}
				}
			})
		}
	})
}

func TestDoctorOnAMaskedService(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.Run(t, "systemctl", "mask", "--now", "plexauthd")
		_, found := b.Examine(t)
		if f := found["daemon"]; f.Result != doctor.Wrong || !strings.Contains(f.Finding, "plexauthd.service is masked") || f.Advice != "if it is to run, systemctl unmask plexauthd" {
			t.Errorf("the daemon: %+v", f)
		}
		for check, f := range found {
			if strings.Contains(f.Advice, "systemctl start plexauthd") || strings.Contains(f.Advice, "enable --now") {
				t.Errorf("%s: a masked service is to be started: %+v", check, f)
			}
		}
	})
}
