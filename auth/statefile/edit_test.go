// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// annotated is full as people and newer versions leave it.
var annotated = "# Bought 2026, living room\n" + strings.NewReplacer(
	`retune_client_id = "3f0c"`, "retune_client_id = \"3f0c\" # keep\nfuture = [ # list\n  \"[retune_plex_auth]\",\n]",
	"version = 1\n", "version = 1\nminor = 3 # of tomorrow\n",
	`username = "ann"`, `  username  =  'ann'  # "who" she is`,
	`email = "ann@example.org"`, `email = """ann@example.org""" # long # one`,
	"expires_at = 2026-01-22T12:00:00Z", "expires_at = 2026-01-22T12:00:00Z # soon\nrefresh = \"r\"",
	"[plexauthd_user]", "[retune_plex_auth.token.extra]\nlevel = 1.5\n\n# about the user\n[ plexauthd_user ] # title",
	"[plexauthd_pairing]", later+"\n[plexauthd_pairing]",
).Replace(full) + "\n# the end\n"

const later = `[retune_later]
kid = '''
[plexauthd_pairing]
id = "not one"
'''
private_key = "k"
created_at = 2026-01-15T12:00:00+01:00
last = 1979-05-27 # a local date
not = nan

[[retune_later.old]]
kid = "a"
`

func TestCommentsAndForeignKeysStay(t *testing.T) {
	b := newBox(t, annotated)
	b.wantState(fullState())
	b.save(fullState())
	b.wantText(annotated)

	s := fullState()
	s.ClientID, s.Auth.Username, s.Auth.Email, s.Pairing.ID = "new", "bob", "b@example.org", 8
	s.Auth.ExpiresAt, s.Auth.RefusedAt = s.Auth.IssuedAt, s.Auth.RefusedAt.AddDate(-30, 0, 0)
	b.save(s)
	b.wantText(strings.NewReplacer(
		`retune_client_id = "3f0c"`, `retune_client_id = "new"`,
		`  username  =  'ann'  # "who"`, `username = "bob" # "who"`,
		`"""ann@example.org"""`, `"b@example.org"`,
		"2026-01-22T12:00:00Z", "2026-01-15T12:00:00Z",
		"2026-01-16T08:30:00Z", "1996-01-16T08:30:00Z",
		"id = 7", "id = 8",
	).Replace(annotated))
	b.wantState(s)
	if got := b.KeptAside(); got != "" {
		t.Errorf("KeptAside() = %q, want nothing", got)
	}
}

func TestAKeyThatGoesLeavesItsComment(t *testing.T) {
	b := newBox(t, annotated)
	s := fullState()
	s.Auth.ExpiresAt = time.Time{}
	b.save(s)
	b.wantText(strings.Replace(annotated, "expires_at = 2026-01-22T12:00:00Z # soon", "# soon", 1))
}

func TestCommentsBehindOddStrings(t *testing.T) {
	values := []string{
		`"""a"""""`, `"""\""""`, `'''a''''`, `'''\'''`, `"a\"#"`, `'a\'`, `''`, `"""\\"""`,
		"\"\"\"\n# [x]\n\"\"\"", "'''\n[plexauthd_pairing]\n'''''",
	}
	const comment = ` # "it's" '''`
	for _, value := range values {
		b := newBox(t, strings.Replace(full, `title = "Ann"`, "title = "+value+comment, 1))
		b.save(fullState())
		b.wantText(strings.Replace(full, `title = "Ann"`, `title = "Ann"`+comment, 1))
	}
}

func TestSignOutSparesWhatIsAroundDottedKeys(t *testing.T) {
	b := newBox(t, "# a\nretune_plex_auth.token.token = \"t\"\n# b\nretune_client_id = \"3f0c\"\n")
	b.save(signedOut())
	b.wantText("# a\n# b\nretune_client_id = \"3f0c\"\n")
}

func TestSignOutTakesItsTablesAway(t *testing.T) {
	b := newBox(t, annotated)
	b.wantState(fullState())
	b.save(signedOut())
	b.wantText("# Bought 2026, living room\n" +
		"retune_client_id = \"3f0c\" # keep\nfuture = [ # list\n  \"[retune_plex_auth]\",\n]\n\n" +
		later + "\n# the end\n")
	b.wantState(signedOut())
}

func TestSignOutSparesTheDeviceKey(t *testing.T) {
	const table = "[retune_device_key]"
	noted := strings.Replace(full, table, "# the device\n"+table+" # its key\nminor = 3", 1)
	b := newBox(t, noted)
	s := fullState()
	b.wantState(s)
	s.Auth, s.Owner, s.Pairing, s.Servers, s.HomePin = nil, nil, nil, nil, nil
	b.save(s)
	b.wantState(s)
	from, to := strings.Index(noted, "# the device"), strings.Index(noted, "[plexauthd_home]")
	b.wantText("retune_client_id = \"3f0c\"\n\n" + noted[from:to])
	s.DeviceKey = nil
	b.save(s)
	b.wantState(s)
	b.wantText("retune_client_id = \"3f0c\"\n\n# the device\n")
}

func TestMissingKeysGoWhereTheyBelong(t *testing.T) {
	b := newBox(t, "# top\nfuture = 1\n\n[retune_plex_auth] # mine\n[retune_plex_auth.token]\ntoken=\"t\"\n# below\n\n[other]\nx = 1")
	s := firstState()
	s.Pairing = nil
	b.save(s)
	b.wantState(s)
	body := func(header string) string {
		rest := full[strings.Index(full, header+"\n")+len(header)+1:]
		return strings.SplitAfter(rest, "\n\n")[0]
	}
	inner := strings.TrimSuffix(body("[retune_plex_auth]"), "\n")
	b.wantText("# top\nfuture = 1\nretune_client_id = \"3f0c\"\n\n[retune_plex_auth] # mine\n" + inner +
		"[retune_plex_auth.token]\n" + strings.TrimSuffix(body("[retune_plex_auth.token]"), "\n") +
		"# below\n\n[other]\nx = 1\n\n[plexauthd_user]\n" + strings.TrimSuffix(body("[plexauthd_user]"), "\n"))
}

func TestTheFileDoesNotGrow(t *testing.T) {
	b := newBox(t, annotated)
	sizes := map[int]bool{}
	for range 5 {
		b.save(signedOut())
		b.save(fullState())
		sizes[len(b.text())] = true
	}
	if len(sizes) != 1 {
		t.Errorf("the sizes of an equal state are %v", sizes)
	}
}

// odd are formats that the line editor does not know how to change.
var odd = map[string]string{
	"inline table":  "# lost\nretune_client_id = \"3f0c\"\nretune_plex_auth = { version = 1, token = { token = \"t\", more = [1, {x = []}] } }\n",
	"dotted tables": "# lost\nretune_client_id = \"3f0c\"\nretune_plex_auth.version = 1\nretune_plex_auth.token.token = \"t\"\nretune_plex_auth.token.more = [[], [{x = 1}]]\n",
	"dotted inside": "# lost\nretune_client_id = \"3f0c\"\n[retune_plex_auth]\ntoken.token = \"t\"\ntoken.more = [{x = 1}, {x = 2.0}]\n",
}

const foreignTail = `[other]
day = 2026-07-01
time = 07:32:00.5
both = 2026-07-01T07:32:00
zone = 2026-07-01T07:32:00-09:30
inf = [-inf, +nan]
"a key" = 'x\y'
`

func TestOddFormatting(t *testing.T) {
	for name, text := range odd {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, text+foreignTail)
			before := b.foreign()
			if before["retune_plex_auth"].(map[string]any)["token"].(map[string]any)["more"] == nil {
				t.Fatal("the test keeps no foreign key")
			}
			b.save(fullState())
			b.wantState(fullState())
			b.wantForeign(before)
			if got := b.KeptAside(); got != b.path+".orig" {
				t.Errorf("KeptAside() = %q, want the .orig", got)
			}
			kept, err := os.ReadFile(b.path + ".orig")
			if err != nil || string(kept) != text+foreignTail {
				t.Errorf("the .orig holds %q (%v)", kept, err)
			}
			b.wantMode(b.path+".orig", 0o600)
			b.save(signedOut())
			b.wantFiles("state.toml")
			b.wantState(signedOut())
		})
	}
}

// TestOddFormattingEastOfGreenwich runs TestOddFormatting in a zone where a
// local time is not what UTC calls it.
func TestOddFormattingEastOfGreenwich(t *testing.T) {
	zone := filepath.Join(t.TempDir(), "zone")
	// A TZif file (RFC 8536) with one type of local time, UTC+3, called EAT.
	tzif := "TZif" + strings.Repeat("\x00", 16) + strings.Repeat("\x00", 16) +
		"\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x2a\x30\x00\x00" + "EAT\x00"
	if err := os.WriteFile(zone, []byte(tzif), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestOddFormatting$")
	child.Env = append(os.Environ(), "TZ="+zone)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSignOutLeavesNoTokenAnywhere(t *testing.T) {
	b := newBox(t, odd["inline table"])
	b.save(fullState())
	leave := []string{".state.toml123", ".state.toml.orig456", "state.toml.corrupt-20250101T000000Z"}
	for _, name := range append(leave, "other.toml", ".state.toml.mine") {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.save(signedOut())
	b.wantFiles(".state.toml.mine", "other.toml", "state.toml")
}
