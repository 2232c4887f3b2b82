// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Package kodi drives a real Kodi on a screen of its own, with the add-on of
// this directory in it.
package kodi

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

const (
	// patience bounds every wait for Kodi; nothing is measured against it.
	patience = 30 * time.Second
	// glance is how long to wait before Kodi is asked again.
	glance = 20 * time.Millisecond

	addonID = "script.plexauthd"
)

// Kodi is a running Kodi.
type Kodi struct {
	t       testing.TB
	home    string
	display string
	process *os.Process
	ended   chan struct{}
	conn    net.Conn
	answers *json.Decoder
	calls   int64
}

// Options say on what screen Kodi runs, and with what.
type Options struct {
	Width, Height int
	Language      string            // a language add-on, such as resource.language.de_de
	Bus           string            // address of what Kodi takes for the system bus
	Zip           string            // the add-on
	Others        map[string]string // more add-ons: files by path below addons/
}

// Start starts Kodi with the add-on enabled. It ends with the test.
func Start(t testing.TB, o Options) *Kodi {
	t.Helper()
	home, err := os.MkdirTemp("", "kodi") // short: sockets lie in it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	k := &Kodi{t: t, home: home}
	k.display = startScreen(t, o.Width, o.Height)
	port := freePort(t)
	k.settle(o, port)
	k.launch(o.Bus)
	k.connect(port)
	k.enableAddons(o)
	return k
}

func (k *Kodi) launch(bus string) {
	k.t.Helper()
	// Not the script /usr/bin/kodi, which would leave a child behind.
	programs, err := filepath.Glob("/usr/lib/*/kodi/kodi.bin")
	if err != nil || len(programs) != 1 {
		k.t.Fatalf("no Kodi, Debian's package kodi: %v, %v", programs, err)
	}
	kodi := exec.Command(programs[0], "--windowing=x11", "--standalone", "-fs")
	kodi.Dir = k.home
	kodi.Env = []string{
		"HOME=" + k.home, "XDG_RUNTIME_DIR=" + k.home + "/run", "DISPLAY=" + k.display,
		"LIBGL_ALWAYS_SOFTWARE=1", "KODI_AE_SINK=ALSA", "LC_ALL=C.UTF-8", "TZ=UTC",
		"DBUS_SYSTEM_BUS_ADDRESS=" + bus,
		"PATH=/usr/bin:/bin", // another Python there would take the place of Kodi's
	}
	must(k.t, kodi.Start())
	k.process, k.ended = kodi.Process, make(chan struct{})
	go func() { _ = kodi.Wait(); close(k.ended) }()
	k.t.Cleanup(func() {
		if k.t.Failed() {
			k.t.Logf("Kodi's log:\n%s", k.Log())
		}
		_ = kodi.Process.Kill()
		<-k.ended
	})
}

// Log is what Kodi has written of this add-on, and every error.
func (k *Kodi) Log() string {
	text, _ := os.ReadFile(filepath.Join(k.home, ".kodi/temp/kodi.log"))
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, addonID) || strings.Contains(line, "EXCEPTION") || strings.HasPrefix(line, " ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// AwaitEnd waits until Kodi has ended, and returns how long that took.
func (k *Kodi) AwaitEnd() time.Duration {
	k.t.Helper()
	began := time.Now()
	select {
	case <-k.ended:
	case <-time.After(patience):
		k.t.Fatal("Kodi does not end")
	}
	return time.Since(began)
}

// Memory is how much of the machine's memory Kodi takes, in KiB.
func (k *Kodi) Memory() int {
	k.t.Helper()
	return int(1024 * daemontest.Memory(k.t, k.process.Pid, "Pss_Anon:"))
}

func (k *Kodi) await(what string, done func() bool) {
	k.t.Helper()
	await(k.t, what, done)
}

// await looks again and again until something is so.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(glance)
	defer again.Stop()
	for deadline := time.After(patience); !done(); {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
