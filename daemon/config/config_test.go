// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retune-tv/plexauthd/daemon/config"
)

func TestDefault(t *testing.T) {
	got := config.Default("3.4")
	want := config.Config{
		Identity: config.Identity{Product: "Retune", Version: "3.4", Platform: "Linux",
			PlatformVersion: got.Identity.PlatformVersion, Device: "Set-top box", DeviceName: got.Identity.DeviceName},
		Mode: "legacy", PlexURL: "https://plex.tv", RequestTimeout: 10 * time.Second,
		PollInterval: time.Second, PairingTimeout: 5 * time.Minute, LogLevel: slog.LevelInfo,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The shell reads os-release and uname as os-release(5) shows it.
func TestDefaultOfThisMachine(t *testing.T) {
	const script = `. /etc/os-release 2>/dev/null || . /usr/lib/os-release 2>/dev/null
		echo "${VERSION_ID:-${VERSION_CODENAME:-${BUILD_ID:-$(uname -r)}}}"`
	out, err := exec.Command("sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := config.Default("1").Identity
	if want := strings.TrimSpace(string(out)); got.PlatformVersion != want {
		t.Errorf("platform version %q, want %q", got.PlatformVersion, want)
	}
	if host, _ := os.Hostname(); got.DeviceName != host && got.DeviceName != "TV" {
		t.Errorf("device name %q on host %q", got.DeviceName, host)
	}
}

func TestChanges(t *testing.T) {
	old := config.Default("1")
	if got := old.Changes(old); len(got) != 0 {
		t.Errorf("no change: %q", got)
	}
	changed := config.Config{LogLevel: slog.LevelDebug}
	want := []string{"identity.product", "identity.version", "identity.platform", "identity.platform_version",
		"identity.device", "identity.device_name", "auth.mode", "plex.url", "plex.request_timeout",
		"pairing.poll_interval", "pairing.timeout", "log.level"}
	if diff := cmp.Diff(want, changed.Changes(old)); diff != "" {
		t.Error(diff)
	}
	changed = old
	changed.PairingTimeout++
	if diff := cmp.Diff([]string{"pairing.timeout"}, changed.Changes(old)); diff != "" {
		t.Error(diff)
	}
}
