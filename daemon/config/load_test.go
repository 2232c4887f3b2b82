// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retune-tv/plexauthd/daemon/config"
)

// write makes a configuration file.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadSetsEverything(t *testing.T) {
	path := write(t, "\ufeff# a comment\r\n"+`[identity]
product = "Couch"
version = '2.1'
platform = "BSD"
platform_version = "14"
device = """
Box"""
device_name = "Wohnzimmer – ü"

[auth]
mode = "legacy"
[plex]
url = "http://[::1]:8080"
request_timeout = "1m"
[pairing]
poll_interval = "100ms" # fast
timeout = "30m"
[log]
level = "warn"
`)
	got, err := config.Load(path, true, config.Default("1.0"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Identity: config.Identity{Product: "Couch", Version: "2.1", Platform: "BSD", PlatformVersion: "14",
			Device: "Box", DeviceName: "Wohnzimmer – ü"},
		Mode: "legacy", PlexURL: "http://[::1]:8080", RequestTimeout: time.Minute,
		PollInterval: 100 * time.Millisecond, PairingTimeout: 30 * time.Minute, LogLevel: slog.LevelWarn,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadKeepsDefaults(t *testing.T) {
	defaults := config.Default("1.0")
	missing := filepath.Join(t.TempDir(), "config.toml")
	for name, path := range map[string]string{"missing": missing, "empty": write(t, ""), "empty tables": write(t, "[log]\n[plex]\n")} {
		if got, err := config.Load(path, name != "missing", defaults); err != nil || got != defaults {
			t.Errorf("%s: Load() = %+v, %v", name, got, err)
		}
	}
	want := defaults
	want.PairingTimeout = 10 * time.Second
	if got, err := config.Load(write(t, `pairing.timeout = "10s"`), true, defaults); err != nil || got != want {
		t.Errorf("dotted key: Load() = %+v, %v", got, err)
	}
}

func TestLoadAcceptsURLs(t *testing.T) {
	for _, url := range []string{"https://plex.tv", "https://plex.example:8443/", "http://LocalHost:1234", "http://127.8.0.1", "http://[::1]"} {
		got, err := config.Load(write(t, fmt.Sprintf("plex.url = %q", url)), true, config.Default("1"))
		if err != nil || got.PlexURL != url {
			t.Errorf("%s: %q, %v", url, got.PlexURL, err)
		}
	}
}

// refused loads path and checks the error.
func refused(t *testing.T, path string, line int, key, problem string) {
	t.Helper()
	got, err := config.Load(path, true, config.Default("1"))
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("Load() = %+v, %v; want a *config.Error", got, err)
	}
	if e.File != path || e.Line != line || e.Key != key || !strings.Contains(e.Problem, problem) {
		t.Errorf("Load() says %v; want line %d, key %q, %q", e, line, key, problem)
	}
	if got != (config.Config{}) {
		t.Errorf("a configuration came with the error: %+v", got)
	}
}

func TestLoadRefusesPaths(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for path, problem := range map[string]string{
		filepath.Join(dir, "missing"):           "no such file",
		dir:                                     "is a directory",
		loop:                                    "too many levels of symbolic links",
		write(t, strings.Repeat("#", 64<<10+1)): "64 KiB",
	} {
		refused(t, path, 0, "", problem)
	}
	if _, err := config.Load(loop, false, config.Default("1")); err == nil {
		t.Error("a default file that is there but unreadable was passed over")
	}
	if _, err := config.Load(write(t, strings.Repeat("#", 64<<10)), true, config.Default("1")); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
}

func TestLoadComparesDefaultsToo(t *testing.T) {
	defaults := config.Default("1")
	defaults.PollInterval = 30 * time.Second
	_, err := config.Load(write(t, "\npairing.timeout = \"20s\""), true, defaults)
	var e *config.Error
	if !errors.As(err, &e) || e.Line != 2 || e.Key != "pairing.timeout" {
		t.Errorf("a default poll interval longer than the timeout: %v", err)
	}
}

func TestErrorText(t *testing.T) {
	path := write(t, "[pairing]\n\ntimeout = \"1h\"\n")
	_, err := config.Load(path, true, config.Default("1"))
	want := path + `:3: pairing.timeout: is out of range; want a duration from "10s" to "30m0s"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = config.Load(write(t, `"a\nb" = x`), true, config.Default("1"))
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("not one line: %q", err)
	}
	_, err = config.Load(write(t, `plex.url = "https://me:hunter2@plex.tv"`), true, config.Default("1"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password was printed: %v", err)
	}
}
