// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

func TestReloadAppliesTheConfiguration(t *testing.T) {
	b := newBox(t)
	b.Configure("[identity]\ndevice_name = \"Den\"\n")
	p := b.Start()
	f := b.Frontend()
	if got := header(f, "X-Plex-Device-Name"); got != "Den" {
		t.Errorf("X-Plex-Device-Name: %s", got)
	}

	b.Configure("[identity]\ndevice_name = \"Küche\"\n")
	p.Signal(syscall.SIGHUP)
	if note := b.AwaitNote("RELOADING=1"); !strings.Contains(note, "MONOTONIC_USEC=") {
		t.Errorf("the reload has no time: %q", note)
	}
	b.AwaitNote("READY=1")
	if got := header(f, "X-Plex-Device-Name"); got != "Küche" {
		t.Errorf("X-Plex-Device-Name after the reload: %s", got)
	}
	if !strings.Contains(b.Printed.String(), "changed=identity.device_name") {
		t.Errorf("the log does not say what changed:\n%s", b.Printed.String())
	}

	p.Reload("[identity]\ndevice_name = 7\n")
	if got := header(f, "X-Plex-Device-Name"); got != "Küche" {
		t.Errorf("X-Plex-Device-Name after a bad configuration: %s", got)
	}
}

func header(f *daemontest.Frontend, name string) string {
	f.Helper()
	var headers map[string]string
	if err := f.Call("Credentials.GetAuthHeaders").Store(&headers); err != nil {
		f.Fatal(err)
	}
	return headers[name]
}

func TestWrongUseIsStatus2(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.toml")
	daemontest.Write(t, bad, "[pairing]\npoll_interval = \"1s\"\n\n[plex]\nrequest_timout = \"3s\"\n")
	tests := map[string]struct {
		args []string
		says string
	}{
		"unknown flag":         {[]string{"--colour"}, "colour"},
		"no bus":               {[]string{"--bus", "sesion"}, "--bus \"sesion\""},
		"argument":             {[]string{"now"}, `"now"`},
		"level":                {[]string{"--log-level", "loud"}, "loud"},
		"plain http elsewhere": {[]string{"--plex-url", "http://plex.example"}, "loopback hosts only"},
		"no such file":         {[]string{"--config", filepath.Join(dir, "none.toml")}, "none.toml"},
		"unknown key":          {[]string{"--config", bad}, bad + ":5: plex.request_timout"},
		"only checked":         {[]string{"--check-config", "--config", bad}, bad + ":5: plex.request_timout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(programs, "plexauthd"), append([]string{"--bus", "unix:path=/nowhere"}, test.args...)...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			_ = cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != 2 {
				t.Errorf("exit status %d, not 2: %s", status, stderr.String())
			}
			if text := stderr.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, test.says) {
				t.Errorf("standard error is not one line with %q:\n%s", test.says, text)
			}
		})
	}
}

func TestVersionHelpAndGoodConfig(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.toml")
	daemontest.Write(t, good, "[pairing]\ntimeout = \"2m\"\n")
	for _, args := range [][]string{{"--version"}, {"--help"}, {"--check-config", "--config", good}} {
		if out, err := exec.Command(filepath.Join(programs, "plexauthd"), args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
