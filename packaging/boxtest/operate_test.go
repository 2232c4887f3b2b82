// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

func TestLogLevelChangesWithoutARestart(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		before := b.Unit("MainPID")
		b.signIn(t)
		bootedtest.MustEqual(t, "lines at level debug", b.debugLines(t), 0)
		b.Run(t, "systemctl", "service-log-level", "plexauthd", "debug")
		for _, user := range []string{"root", "member", "other"} {
			out, err := b.As(user, "systemctl", "service-log-level", "plexauthd").CombinedOutput()
			if err != nil || string(out) != "debug\n" {
				t.Errorf("%s reads the level %q: %v", user, out, err)
			}
		}
		for _, user := range []string{"member", "other"} {
			out, err := b.As(user, "systemctl", "service-log-level", "plexauthd", "err").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "Access denied") {
				t.Errorf("%s set the level: %v, %s", user, err, out)
			}
		}
		b.requestPin(t)
		b.WaitFor(t, "a line at level debug", func() bool { return b.debugLines(t) > 0 })
		bootedtest.MustEqual(t, "process", b.Unit("MainPID"), before)
	})
}

func (b *box) debugLines(t *testing.T) int {
	t.Helper()
	return len(b.journal(t, "PRIORITY", "7"))
}

func TestStatusSaysInWordsHowThingsStand(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	says := func(words string) {
		t.Helper()
		b.WaitFor(t, words, func() bool { return strings.Contains(b.Status(), "\n     Status: \""+words) })
	}
	says("Nobody is signed in to Plex\"")
	code := b.requestPin(t)
	says("Waiting for somebody to enter the code at https://plex.tv/link\"")
	b.claim(t, code)
	says("Signed in to Plex\"")
	b.call(t, names.Credentials, "SignOut")
	says("Nobody is signed in to Plex\"")
	if status := b.Status(); strings.Contains(status, code) {
		t.Errorf("the status shows a code to everybody:\n%s", status)
	}
}

func TestReloadSaysWhatHasChanged(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	before := b.Unit("MainPID")
	for _, c := range []struct{ text, says, device string }{
		{config + "[identity]\ndevice_name = \"Attic\"\n", "configuration reloaded: identity.device_name", "Attic"},
		{config + "[identity]\ndevice_name = \"Cellar\"\n[log]\nlevel = \"loud\"\n",
			"keeping the old configuration: /etc/plexauthd/config.toml:8: log.level: is not a log level", "Attic"},
		{config + "[log]\nlevel = \"debug\"\n", "configuration reloaded: identity.device_name, log.level", "box"},
		{config + "[log]\nlevel = \"debug\"\n", "configuration reloaded: nothing", "box"},
	} {
		b.Write(t, "/etc/plexauthd/config.toml", c.text)
		b.Run(t, "systemctl", "reload", "plexauthd")
		b.WaitFor(t, c.says, func() bool {
			return slices.ContainsFunc(b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd"), func(e entry) bool {
				return strings.HasPrefix(e["MESSAGE"], c.says)
			})
		})
		headers := b.call(t, names.Credentials, "GetAuthHeaders")[0].(map[string]any)
		bootedtest.MustEqual(t, "device name", headers["X-Plex-Device-Name"], any(c.device))
	}
	bootedtest.MustEqual(t, "process", b.Unit("MainPID"), before)
	bootedtest.MustEqual(t, "service", b.Unit("ActiveState"), "active")
	b.mustExplain(t, daemon.MessageReloaded, daemon.MessageReloadRefused)
}
