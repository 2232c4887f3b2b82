// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// messageIDs reads the constants of a file by name.
func messageIDs(t *testing.T, file string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, constant := range regexp.MustCompile(`(?m)^\t(Message\w+) += "(.*?)"`).FindAllStringSubmatch(readFile(t, file), -1) {
		ids[constant[1]] = constant[2]
	}
	if len(ids) == 0 {
		t.Fatalf("no constants in %s", file)
	}
	return ids
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// catalog gives the entries of the message catalogue by message id.
func catalog(t *testing.T) map[string]string {
	t.Helper()
	entries := map[string]string{}
	for _, entry := range strings.Split("\n"+readFile(t, "../packaging/systemd/plexauthd.catalog"), "\n-- ")[1:] {
		id, text, _ := strings.Cut(entry, "\n")
		if entries[id] != "" {
			t.Errorf("the catalogue explains %s twice", id)
		}
		entries[id] = text
	}
	return entries
}

// rows gives the rows of the table of messages by message id.
func rows(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\|.*\\| `([0-9a-f]{32})` \\|.*$").FindAllStringSubmatch(readFile(t, "../docs/JOURNAL.md"), -1) {
		found[row[1]] = row[0]
	}
	return found
}

func TestEveryMessageIsExplained(t *testing.T) {
	entries, documented, known := catalog(t), rows(t), map[string]string{}
	for _, file := range []string{"messages.go", "../auth/log.go", "../systemd/messages.go", "../dbusapi/messages.go"} {
		for name, id := range messageIDs(t, file) {
			if known[id] != "" || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
				t.Errorf("%s = %q is no message id of its own", name, id)
			}
			known[id] = name
			if entries[id] == "" || documented[id] == "" {
				t.Errorf("%s is missing in the catalogue or in JOURNAL.md", name)
			}
		}
	}
	for id := range entries {
		if known[id] == "" {
			t.Errorf("the catalogue explains %s, which nobody logs", id)
		}
	}
	if len(documented) != len(known) {
		t.Errorf("JOURNAL.md has %d messages, want %d", len(documented), len(known))
	}
}

// journalctl prints the name of a field that an entry does not have.
func TestTheCatalogueNamesFieldsThatAreThere(t *testing.T) {
	documented := rows(t)
	header := regexp.MustCompile(`^Subject: \S.*\nDefined-By: plexauthd\nSupport: https://\S+\nDocumentation: man:\S.*\n\n\S`)
	for id, text := range catalog(t) {
		if !header.MatchString(text) {
			t.Errorf("the entry of %s does not begin with its four headers and an empty line", id)
		}
		for _, field := range regexp.MustCompile(`@[^@\s]+@`).FindAllString(text, -1) {
			name, ok := strings.CutPrefix(strings.Trim(field, "@"), "PLEXAUTHD_")
			if !ok || !regexp.MustCompile("`"+name+"`(,| \\|)").MatchString(documented[id]) {
				t.Errorf("the entry of %s has %s, which is not always there", id, field)
			}
		}
	}
}
