// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// DBusBroker is [Session] with dbus-broker, as it is, in the place of dbus-daemon. It
// cannot be restarted.
func DBusBroker(t testing.TB) *Bus {
	t.Helper()
	bus := configure(t, sessionConfig)
	path := strings.TrimPrefix(bus.Address, "unix:path=")
	journal := filepath.Join(filepath.Dir(path), "journal")
	if err := os.Mkdir(journal, 0o755); err != nil {
		t.Fatal(err)
	}
	log, err := net.ListenPacket("unixgram", filepath.Join(journal, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	go func() {
		for buffer := make([]byte, 1<<16); ; {
			if _, _, err := log.ReadFrom(buffer); err != nil {
				return
			}
		}
	}()
	// Its log is the journal's socket or nothing.
	const mounts = `mount -t tmpfs run /run/systemd; mkdir /run/systemd/journal; mount --bind "$0" /run/systemd/journal; exec "$@"`
	cmd := exec.Command("unshare", "--mount", "sh", "-ec", mounts, journal, "systemd-socket-activate", "--listen="+path, "--setenv=DBUS_SESSION_BUS_ADDRESS="+bus.Address,
		"dbus-broker-launch", "--scope=user", "--config-file="+bus.config)
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with dbus-broker, which it starts
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting systemd-socket-activate, from Debian's package systemd: %v", err)
	}
	bus.stop = sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	t.Cleanup(bus.stop)
	for began := time.Now(); ; {
		socket, err := net.Dial("unix", path)
		if err == nil {
			_ = socket.Close()
			return bus
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("dbus-broker takes no connections: %v", err)
		}
	}
}
