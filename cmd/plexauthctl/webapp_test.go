// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// kept is what the web app keeps, with everything in it.
const kept = `{"version":1,"token":{"token":"abc-123_XYZ","user_id":"42","username":"alice","email":"a@example.org",
"thumb":"https://plex.tv/a.png","issued_at":"2026-01-15T12:00:00Z","expires_at":null},
"selected_server_id":"51a0","selected_server_uri":"https://10.0.0.2:32400","theme":"dark"}`

func TestReadWebApp(t *testing.T) {
	camel := `{"version":1,"token":{"token":"abc-123_XYZ","userId":42,"username":"alice","issuedAt":1768478400000},"selectedServerId":null}`
	quoted := strings.NewReplacer("\n", "", `"`, `\"`).Replace(kept)
	for name, text := range map[string]string{
		"object":                  kept,
		"with white space":        " \n" + kept + "\r\n",
		"with a byte order mark":  "\ufeff" + kept,
		"camel case":              camel,
		"the whole storage":       `{"retune_client_id":"3f0c","retune_plex_auth":` + kept + `,"other":[1]}`,
		"the storage as it is":    `{"retune_plex_auth":"` + quoted + `","retune_client_id":"3f0c"}`,
		"a text from the console": `"` + quoted + `"`,
	} {
		found, err := readWebApp(text)
		c := found.credentials
		if err != nil || c.Token.Reveal() != "abc-123_XYZ" || c.UserID != "42" || c.Username != "alice" ||
			!c.IssuedAt.Equal(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)) || !c.ExpiresAt.IsZero() {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if hasServer := c.SelectedServer.MachineID == "51a0" && c.SelectedServer.URI == "https://10.0.0.2:32400"; hasServer != (text != camel) {
			t.Errorf("%s: server %v", name, c.SelectedServer)
		}
		if found.hasClientID != strings.Contains(text, clientIDKey) {
			t.Errorf("%s: has a client id: %t", name, found.hasClientID)
		}
	}
	for _, text := range []string{"abc-123_XYZ\n", `"abc-123_XYZ"`} {
		if found, err := readWebApp(text); err != nil || found.credentials.Token.Reveal() != "abc-123_XYZ" || found.credentials.UserID != "" {
			t.Errorf("a bare token: %+v, %v", found, err)
		}
	}
}

func TestReadWebAppRefuses(t *testing.T) {
	const secret = "s3cr3t-t0ken"
	token := `"token":{"token":"` + secret + `"}`
	for text, says := range map[string]string{
		"":                      "empty",
		" \n":                   "empty",
		"null":                  "nobody is signed in",
		secret + " " + secret:   "neither JSON nor a token",
		"token=" + secret + ";": "neither JSON nor a token",
		"<html>" + secret:       "neither JSON nor a token",
		`{"version":1,` + token: "unexpected end of JSON",
		`{"version":1,"token":{"token":"` + secret:                                       "unexpected end of JSON",
		`{"version":1,` + token + `}` + secret:                                           "trailing data after",
		`{"version":1,` + token + `,}`:                                                   "invalid JSON at byte",
		`{'version':1,` + token + `}`:                                                    "invalid JSON at byte 2",
		`["` + secret + `"]`:                                                             "not a JSON object",
		`{` + token + `}`:                                                                "version: only 1 is supported",
		`{"version":2,` + token + `}`:                                                    "version: only 1 is supported",
		`{"version":"` + secret + `",` + token + `}`:                                     "version: only 1 is supported",
		`{"version":1}`:                                                                  "token: is missing",
		`{"version":1,"token":"` + secret + `"}`:                                         "token: is missing, or not an object",
		`{"version":1,"token":{"user_id":"1"}}`:                                          "token.token: is missing",
		`{"version":1,"token":{"token":["` + secret + `"]}}`:                             "token: is not a string",
		`{"version":1,"token":{"token":"` + secret + `","user_id":{}}}`:                  "user_id: is not a string",
		`{"version":1,"token":{"token":"` + secret + `","expires_at":"` + secret + `"}}`: "expires_at: is not a time",
		`{"version":1,"token":{"token":"` + secret + `","issued_at":-7}}`:                "issued_at: is not a time",
		`{"retune_client_id":"3f0c"}`:                                                    "nobody is signed in",
		`{"retune_plex_auth":null}`:                                                      "nobody is signed in",
		`{"retune_plex_auth":"{\"version\":1,"}`:                                         "retune_plex_auth: unexpected end of JSON",
		strings.Repeat("a", longestImport+1):                                             "longer than 64 KiB",
	} {
		_, err := readWebApp(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80q: %v, not %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the input is quoted: %v", err)
		}
	}
}

// FuzzReadWebApp takes any text for what somebody has copied. Quoted once more, as
// consoles do, it is the same.
func FuzzReadWebApp(f *testing.F) {
	f.Add(kept)
	f.Add(`{"retune_plex_auth":"{}","retune_client_id":1}`)
	f.Add(`{"version":1.0,"token":{"token":1,"userId":"7","issuedAt":1e400,"expiresAt":-0}}`)
	f.Add(`{"version":1,"token":{"token":"abc"},"token":null}`)
	f.Add("token")
	names := strings.NewReplacer(webAppKey, "", "selected_server_id", "", "selected_server_uri", "")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := readWebApp(text)
		c := found.credentials
		if err != nil {
			for i := 0; i+12 <= len(text); i++ {
				if part := text[i : i+12]; !strings.Contains(part, " ") && strings.Contains(names.Replace(err.Error()), part) {
					t.Fatalf("%q quotes %q", err, part)
				}
			}
		} else if c.Token.IsZero() || len(c.Token.Reveal()) > longestImport {
			t.Errorf("no token in %+v", c)
		}
		quoted, _ := json.Marshal(text)
		if !utf8.ValidString(text) || len(quoted) > longestImport {
			return
		}
		again, failed := readWebApp(string(quoted))
		if fmt.Sprint(failed) != fmt.Sprint(err) || !reflect.DeepEqual(again, found) {
			t.Errorf("quoted: %+v, %v; not %+v, %v", again, failed, found, err)
		}
	})
}
