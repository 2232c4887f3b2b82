// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// sandboxed starts what a Flatpak has for a bus, with those rules, for that user
// and group, and gives its address.
func sandboxed(b *box, uid uint32, groups []uint32, rules ...string) string {
	b.t.Helper()
	dir, err := os.MkdirTemp("", "sandbox") // a socket's name must be short
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, int(uid), int(uid)); err != nil {
		b.t.Fatal(err)
	}
	started, ready, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	socket := filepath.Join(dir, "bus")
	proxy := exec.CommandContext(b.ctx, "xdg-dbus-proxy", append([]string{"--fd=3", b.bus.Address, socket, "--filter"}, rules...)...)
	proxy.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
	proxy.ExtraFiles, proxy.Stderr = []*os.File{ready}, b.t.Output()
	if err := proxy.Start(); err != nil {
		b.t.Fatalf("starting xdg-dbus-proxy, from Debian's package of that name: %v", err)
	}
	b.t.Cleanup(func() { _ = started.Close(); _ = proxy.Process.Kill(); _ = proxy.Wait() })
	_ = ready.Close()
	if _, err := started.Read(make([]byte, 1)); err != nil { // one byte: it listens
		b.t.Fatalf("xdg-dbus-proxy does not listen: %v", err)
	}
	return "unix:path=" + socket
}

const talk = "--talk=" + names.Bus

func TestFrontendInAFlatpak(t *testing.T) {
	_, group := standIns(t)
	b := newBox(t, setup{bus: bustest.System(t, policies(t, true)...), system: true})
	inside := newStranger(t, b.ctx, sandboxed(b, nobody, []uint32{group}, talk), nobody, group)
	for _, order := range []string{"call " + names.Main + ".RequestPin", "hears PropertiesChanged pairing"} {
		if answer := inside.do("%s", order); answer != "ok" && answer != "<nil>" {
			t.Fatalf("%s: %s", order, answer)
		}
	}
	if err := b.plex.Claim(b.account.Snapshot().Pairing.Code, ""); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{
		"hears PropertiesChanged signed-in AuthChanged signed-in PinEnded claimed",
		"call " + names.Credentials + ".GetAuthHeaders",
	} {
		if answer := inside.do("%s", order); answer != "ok" && answer != "<nil>" {
			t.Fatalf("%s: %s", order, answer)
		}
	}

	b.restart() // heard as the name's loss and its new owner
	if answer := inside.do("hears NameOwnerChanged NameOwnerChanged"); answer != "<nil>" {
		t.Errorf("the daemon is back, unheard: %s", answer)
	}
	if answer := inside.do("call %s.GetAuthHeaders", names.Credentials); answer != "ok" {
		t.Errorf("after a restart of the daemon: %s", answer)
	}
}

// The daemon sees the proxy's user and groups, so a Flatpak opens no way around.
func TestStrangerInAFlatpak(t *testing.T) {
	b := newBox(t, setup{bus: bustest.System(t, policies(t, true)...), system: true})
	outsider := newStranger(t, b.ctx, sandboxed(b, nobody, nil, talk), nobody)
	for _, call := range everyCall(b.service.Exported()) {
		if answer := outsider.do("%s", call); !strings.HasPrefix(answer, names.ErrAccessDenied) {
			t.Errorf("%s from the sandbox of somebody else: %s", call, answer)
		}
	}
}

// What FRONTENDS.md says of the other rules.
func TestFlatpakWithoutTalk(t *testing.T) {
	_, group := standIns(t)
	for _, rule := range []string{"--see=" + names.Bus, "--call=" + names.Bus + "=*"} {
		b := newBox(t, setup{bus: bustest.System(t, policies(t, true)...), system: true})
		conn, err := dbus.Connect(sandboxed(b, nobody, []uint32{group}, rule), dbus.WithAuth(dbus.AuthExternal("65534")))
		if err != nil {
			t.Fatal(err)
		}
		signals := make(chan *dbus.Signal, 100) // more than will come
		conn.Signal(signals)
		if err := conn.AddMatchSignal(dbus.WithMatchObjectPath(names.Path)); err != nil {
			t.Fatal(err)
		}
		b.client().requestPin()
		var id string // asked after the signals were sent
		if err := conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.GetId", 0).Store(&id); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		for signal := range signals {
			if signal.Path == names.Path {
				t.Errorf("%s lets %s through", rule, signal.Name)
			}
		}
	}
}
