// SPDX-License-Identifier: Apache-2.0

package systemd_test

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/systemd"
)

// manager is the service manager's end of the notification socket.
type manager struct{ conn *net.UnixConn }

func newManager(t *testing.T) manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return manager{conn}
}

// next returns the next message.
func (m manager) next(t *testing.T) string {
	t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := m.conn.Read(buffer)
	if err != nil {
		t.Fatalf("no message: %v", err)
	}
	return string(buffer[:n])
}

func TestNotifier(t *testing.T) {
	m := newManager(t)
	n := systemd.NewNotifier(slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name string
		send func()
		want string // regular expression
	}{
		{"ready", func() { n.Ready("signed in as Ann") }, `READY=1\nSTATUS=signed in as Ann`},
		{"status", func() { n.Status("waiting") }, `STATUS=waiting`},
		{"reloading", n.Reloading, `RELOADING=1\nMONOTONIC_USEC=[0-9]+\n`},
		{"stopping", func() { n.Stopping("bye") }, `STOPPING=1\nSTATUS=bye`},
		{"watchdog", n.Watchdog, `WATCHDOG=1`},
		{"status over lines", func() { n.Status("a\nMAINPID=1\r\n b\u2028c\n") }, `STATUS=a MAINPID=1 b c`},
		{"ready over lines", func() { n.Ready("a\nb") }, `READY=1\nSTATUS=a b`},
		{"stopping over lines", func() { n.Stopping("a\nb") }, `STOPPING=1\nSTATUS=a b`},
	} {
		c.send()
		if got := m.next(t); !regexp.MustCompile(`^` + c.want + `$`).MatchString(got) {
			t.Errorf("%s: %q, want %s", c.name, got, c.want)
		}
	}
}

func TestNotifierWithoutListener(t *testing.T) {
	for socket, want := range map[string]string{
		"":                                      "",
		filepath.Join(t.TempDir(), "not-there"): "level=DEBUG",
	} {
		t.Setenv("NOTIFY_SOCKET", socket)
		var out bytes.Buffer
		n := systemd.NewNotifier(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		n.Ready("x")
		if got := out.String(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("NOTIFY_SOCKET=%q: logged %q", socket, got)
		}
	}
}
