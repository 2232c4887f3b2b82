// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// searches look for the text on standard input, so that they do not find
// themselves. What the kernel shows as files has no end.
var searches = map[string]string{
	"command lines and environments": `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -Ff /run/needle || true`,
	"journal":                        `journalctl --all --output=export | grep -aFf /run/needle || true`,
	"status":                         `systemctl status --no-pager --full plexauthd | grep -Ff /run/needle || true`,
}

// changed finds all files that any process has written to since the box was booted.
const changed = `find / \( -path /proc -o -path /sys -o -path /run/needle \) -prune -o -type f -cnewer /etc/machine-id -exec grep -laFf /run/needle {} + || true`

// A token is in the state file and nowhere else, with all that is logged
// switched on and every way to get at it used.
func TestTokenIsInTheStateFileAlone(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "systemctl", "service-log-level", "plexauthd", "debug")
	code := b.requestPin(t)
	_, pinID, _ := strings.Cut(b.Run(t, "grep", "^plex_id", stateFile), `"`)
	b.claim(t, code)
	token := b.token(t)
	for _, method := range []string{"GetStoredCredentials", "GetAuthHeaders"} {
		b.call(t, names.Credentials, method)
	}
	b.Run(t, "plexauthctl", "headers", "--with-token")
	b.Run(t, "plexauthctl", "validate")
	b.Run(t, "systemctl", "restart", "plexauthd")
	b.WaitFor(t, "the token to be checked", func() bool { return b.State() == "signed-in" })
	b.Write(t, "/run/needle", token+"\n")
	for where, search := range searches {
		bootedtest.MustEqual(t, where, b.Run(t, "sh", "-c", search), "")
	}
	bootedtest.MustEqual(t, "files with the token", b.Run(t, "sh", "-c", changed), stateFile)
	word := regexp.MustCompile(`\b(` + regexp.QuoteMeta(strings.Trim(pinID, `"`)) + `|` + regexp.QuoteMeta(code) + `)\b`)
	for _, e := range b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd") {
		for field, value := range e {
			if !strings.HasPrefix(field, "_") && word.MatchString(value) {
				t.Errorf("the journal shows the pairing's secrets in %s: %s", field, value)
			}
		}
	}
}
