// SPDX-License-Identifier: Apache-2.0

//go:build box

package boxtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestLogLevelChangesWithoutARestart(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, Options{Bus: bus})
		b.addUsers(t)
		before := b.unit("MainPID")
		b.signIn(t)
		mustEqual(t, "lines at level debug", b.debugLines(t), 0)
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
		b.waitFor(t, "a line at level debug", func() bool { return b.debugLines(t) > 0 })
		mustEqual(t, "process", b.unit("MainPID"), before)
	})
}

func (b *Box) debugLines(t *testing.T) int {
	t.Helper()
	return len(b.journal(t, "PRIORITY", "7"))
}

func TestStatusSaysInWordsHowThingsStand(t *testing.T) {
	b := bootWithPlex(t, Options{})
	says := func(words string) {
		t.Helper()
		b.waitFor(t, words, func() bool { return strings.Contains(b.status(), "\n     Status: \""+words) })
	}
	says("Nobody is signed in to Plex\"")
	code := b.requestPin(t)
	says("Waiting for somebody to enter the code at https://plex.tv/link\"")
	b.claim(t, code)
	says("Signed in to Plex\"")
	b.call(t, names.Credentials, "SignOut")
	says("Nobody is signed in to Plex\"")
	if status := b.status(); strings.Contains(status, code) {
		t.Errorf("the status shows a code to everybody:\n%s", status)
	}
}

func TestReloadSaysWhatHasChanged(t *testing.T) {
	b := bootWithPlex(t, Options{})
	before := b.unit("MainPID")
	for _, c := range []struct{ text, says, device string }{
		{config + "[identity]\ndevice_name = \"Attic\"\n", "configuration read again: identity.device_name", "Attic"},
		{config + "[identity]\ndevice_name = \"Cellar\"\n[log]\nlevel = \"loud\"\n",
			"the configuration stays as it was: /etc/plexauthd/config.toml:8: log.level: is not a log level", "Attic"},
		{config + "[log]\nlevel = \"debug\"\n", "configuration read again: identity.device_name, log.level", "box"},
		{config + "[log]\nlevel = \"debug\"\n", "configuration read again: nothing", "box"},
	} {
		b.Write(t, "/etc/plexauthd/config.toml", c.text)
		b.Run(t, "systemctl", "reload", "plexauthd")
		b.waitFor(t, c.says, func() bool {
			return slices.ContainsFunc(b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd"), func(e entry) bool {
				return strings.HasPrefix(e["MESSAGE"], c.says)
			})
		})
		headers := b.call(t, names.Credentials, "GetAuthHeaders")[0].(map[string]any)
		mustEqual(t, "device name", headers["X-Plex-Device-Name"], any(c.device))
	}
	mustEqual(t, "process", b.unit("MainPID"), before)
	mustEqual(t, "service", b.unit("ActiveState"), "active")
	b.mustExplain(t, daemon.MessageReloaded, daemon.MessageReloadRefused)
}
