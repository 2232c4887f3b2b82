// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// entry is one entry of the journal.
type entry map[string]string

// journal gives what the service has in the journal with that value of a field.
func (b *box) journal(t *testing.T, field, value string) []entry {
	t.Helper()
	var found []entry
	lines := json.NewDecoder(strings.NewReader(b.Run(t, "journalctl", "--unit=plexauthd", "--output=json", "--all")))
	for lines.More() {
		var fields map[string]any
		if err := lines.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		e := entry{}
		for name, value := range fields {
			e[name] = fmt.Sprint(value)
		}
		if e[field] == value {
			found = append(found, e)
		}
	}
	return found
}

func TestJournalHasTheFieldsOfASignIn(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "systemctl", "service-log-level", "plexauthd", "debug")
	b.signIn(t)
	user := b.call(t, names.Credentials, "GetCurrentUser")[0].(map[string]any)["id"].(map[string]any)["data"]
	b.call(t, names.Credentials, "SignOut")
	signedIn, ended := b.journal(t, "MESSAGE_ID", auth.MessageSignedIn), b.journal(t, "MESSAGE_ID", auth.MessagePairingEnded)
	if len(signedIn) != 1 || len(ended) != 1 {
		t.Fatalf("signed in: %v\npairing ended: %v", signedIn, ended)
	}
	bootedtest.MustEqual(t, "user", any(signedIn[0]["PLEXAUTHD_USER_ID"]), user)
	bootedtest.MustEqual(t, "result", ended[0]["PLEXAUTHD_RESULT"], "claimed")
	id := ended[0]["PLEXAUTHD_PIN_ID"]
	bootedtest.MustEqual(t, "entries of the pairing", len(b.journal(t, "PLEXAUTHD_PIN_ID", id)), 2)
	b.mustHaveDocumentedFields(t)
	for _, request := range []string{"POST /api/v2/pins 201", "GET /api/v2/user 200", "DELETE /api/v2/users/signout 204"} {
		b.mustHaveRequest(t, request)
	}
	b.mustExplain(t, daemon.MessageServing, auth.MessagePairingStarted, auth.MessagePairingEnded, auth.MessageSignedIn, auth.MessageSignedOut)
}

// mustHaveDocumentedFields compares the journal with the documentation that is
// installed.
func (b *box) mustHaveDocumentedFields(t *testing.T) {
	t.Helper()
	seen := 0
	page := b.Run(t, "cat", "/usr/share/doc/plexauthd/JOURNAL.md")
	for _, row := range regexp.MustCompile("(?m)^\\| .* \\| `([0-9a-f]{32})` \\| \\w+ \\| (.*) \\|$").FindAllStringSubmatch(page, -1) {
		for _, e := range b.journal(t, "MESSAGE_ID", row[1]) {
			seen++
			for _, field := range regexp.MustCompile("`([A-Z_]+)`(?:,|$)").FindAllStringSubmatch(row[2], -1) {
				if e["PLEXAUTHD_"+field[1]] == "" {
					t.Errorf("%q has no field %s", e["MESSAGE"], field[1])
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d entries in the journal have a documented message id", seen)
	}
}

// mustHaveRequest looks for "method path status", and how long it took.
func (b *box) mustHaveRequest(t *testing.T, want string) {
	t.Helper()
	method, _, _ := strings.Cut(want, " ")
	for _, e := range b.journal(t, "PLEXAUTHD_METHOD", method) {
		took, err := time.ParseDuration(e["PLEXAUTHD_DURATION"])
		if want == method+" "+e["PLEXAUTHD_PATH"]+" "+e["PLEXAUTHD_HTTP_STATUS"] && err == nil && took > 0 {
			return
		}
	}
	t.Errorf("no entry has %q and how long it took", want)
}

// mustExplain checks what journalctl -x makes of messages that are in the journal.
func (b *box) mustExplain(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		text := b.Run(t, "journalctl", "--unit=plexauthd", "--catalog", "MESSAGE_ID="+id)
		if !strings.Contains(text, "Subject: ") || regexp.MustCompile(`@\w+@`).MatchString(text) {
			t.Errorf("the explanation of %s is missing or has a blank left:\n%s", id, text)
		}
	}
}

func TestJournalExplainsItsMessages(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	explained := b.Run(t, "journalctl", "--dump-catalog")
	for _, id := range strings.Fields(b.Run(t, "sed", "-n", "s/^-- //p", "/usr/lib/systemd/catalog/plexauthd.catalog")) {
		if !strings.Contains(explained, id) {
			t.Errorf("journalctl -x has no explanation of %s", id)
		}
	}
}
