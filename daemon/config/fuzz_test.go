// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/daemon/config"
)

// FuzzLoad takes any bytes as the file: it is an error about a place in it, or
// settings that the daemon can run with.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"[identity]\nproduct = \"x\"\n[log]\nlevel = \"info\"",
		"[pairing]\ntimeout = \"\"\"\n20s\"\"\"\n[[x]]\na = [1, {b = 2}]\n",
		"plex.url = 'https://plex.tv'\npairing = {timeout = '1m', poll_interval = '2s'}",
		"[plex]\nurl = \"http://[::1]:80\"\nrequest_timeout = \"1.5s\"\n[auth]\nmode = \"jwt\"",
		"pairing.poll_interval = '50ms'", "pairing.poll_interval = '1h'", "pairing.timeout = '1s'", "plex.request_timeout = '0'", "plex.url = 'http://192.168.1.2'",
		"plex.url = 'https://plex.tv:99999'",
		"[plex]\nurl = \"https://ann:pass-word-1@plex.tv\"",
		"identity = {version = '1', platform = 'a', platform_version = 'b', device = 'ü', device_name = \"\\u0041\"}",
		"\ufeff\"a\\n\".b = 2026-01-15T00:00:00Z\r\n[a", "\xff\xfea=1", "[log]\n[log]", "a = \"\"\"",
		strings.Repeat("a.", 500) + "b = 1", "a = [\n" + strings.Repeat("{a = [\n", 100), "[" + strings.Repeat("a.", 500) + "b]",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "config.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		c, err := config.Load(path, true, config.Default("1"))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%d bytes took %s", len(text), took)
		}
		if err != nil {
			checkError(t, err, path, 1+strings.Count(string(text), "\n"))
			quotesNothing(t, err, string(text))
			return
		}
		checkConfig(t, c)
		// Whatever is accepted is two levels of nothing but strings.
		var tables map[string]map[string]string
		if _, err := toml.Decode(string(text), &tables); err != nil {
			t.Errorf("accepted %q: %v", text, err)
		}
	})
}

func checkError(t *testing.T, err error, path string, lines int) {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if e.File != path || e.Line < 0 || e.Line > lines || e.Problem == "" || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("in %d lines: %q", lines, err)
	}
	// Only a file that is too long is wrong in no place.
	if e.Line == 0 && !strings.Contains(e.Problem, "too large") {
		t.Errorf("nowhere: %q", err)
	}
}

// inQuotes finds values that are texts.
var inQuotes = regexp.MustCompile(`(?m)^[\w. \t-]*=[ \t]*(?:"([^"\n]{12,})"|'([^'\n]{12,})')`)

// quotesNothing fails if err repeats a value, which may be a URL with a password.
func quotesNothing(t *testing.T, err error, text string) {
	t.Helper()
	said, _, _ := strings.Cut(err.Error(), "; want ")
	for _, found := range inQuotes.FindAllStringSubmatch(text, -1) {
		for value := found[1] + found[2]; len(value) >= 12; value = value[1:] {
			// What is a name elsewhere in the file may be told.
			if strings.Contains(said, value[:12]) && strings.Count(text, value[:12]) == 1 {
				t.Errorf("%q quotes %q", err, value[:12])
			}
		}
	}
}

// checkConfig wants what plexauthd.toml(5) promises of settings that are accepted.
func checkConfig(t *testing.T, c config.Config) {
	t.Helper()
	for name, d := range map[string]struct{ low, is, high time.Duration }{
		"request_timeout": {time.Second, c.RequestTimeout, time.Minute},
		"poll_interval":   {100 * time.Millisecond, c.PollInterval, min(time.Minute, c.PairingTimeout-1)},
		"timeout":         {10 * time.Second, c.PairingTimeout, 30 * time.Minute},
	} {
		if d.is < d.low || d.is > d.high {
			t.Errorf("%s is %s", name, d.is)
		}
	}
	if c.Mode != "legacy" && c.Mode != "jwt" {
		t.Errorf("mode %q", c.Mode)
	}
	if _, err := plextv.New(plextv.Config{BaseURL: c.PlexURL, Timeout: c.RequestTimeout}); err != nil {
		t.Errorf("url %q: %v", c.PlexURL, err)
	}
	id := c.Identity
	for _, text := range []string{id.Product, id.Version, id.Platform, id.Device, id.DeviceName} {
		if strings.TrimSpace(text) == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("identity %q", text)
		}
	}
}
