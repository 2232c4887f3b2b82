// SPDX-License-Identifier: Apache-2.0

package bus_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// TestClientInAFlatpak connects through xdg-dbus-proxy, which is particular about what
// comes when.
func TestClientInAFlatpak(t *testing.T) {
	session, path := bustest.Session(t), filepath.Join(t.TempDir(), "proxy")
	started, ready, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer started.Close()
	proxy := exec.CommandContext(t.Context(), "xdg-dbus-proxy", "--fd=3", session.Address, path, "--filter")
	proxy.ExtraFiles, proxy.Stderr = []*os.File{ready}, t.Output()
	if err := proxy.Start(); err != nil {
		t.Fatalf("starting xdg-dbus-proxy, from Debian's package of that name: %v", err)
	}
	_ = ready.Close()
	if _, err := started.Read(make([]byte, 1)); err != nil { // one byte: it listens
		t.Errorf("xdg-dbus-proxy does not listen: %v", err)
	}
	if conn, err := bus.Connect("unix:path=" + path); err != nil {
		t.Error(err)
	} else {
		var names []string
		if err := conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
	_ = proxy.Process.Kill()
	_ = proxy.Wait() // after which nothing is written to t.Output
}
