package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/daemon/config"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"[identity]\nproduct = \"x\"\n[log]\nlevel = \"info\"",
		"[pairing]\ntimeout = \"\"\"\n20s\"\"\"\n[[x]]\na = [1, {b = 2}]\n",
		"plex.url = 'https://plex.tv'\npairing = {timeout = '1m', poll_interval = '2s'}",
		"\ufeff\"a\\n\".b = 2026-01-15T00:00:00Z\r\n[a", "\xff\xfea=1", "[log]\n[log]", "a = \"\"\"",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "config.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path, true, config.Default("1")); err != nil {
			checkError(t, err, path, 1+strings.Count(string(text), "\n"))
			return
		}
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
}
