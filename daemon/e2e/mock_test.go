// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// mock is a running plextv-sim mock, with a frontend on its bus.
type mock struct {
	*daemontest.Frontend
	*daemontest.Program
	orders io.Writer
	temp   string // where it makes its directories
}

// startMock starts it and waits until it is ready. Without stdin it gets a pipe.
func startMock(t *testing.T, stdin *os.File) *mock {
	t.Helper()
	bus := bustest.Session(t)
	m := &mock{temp: t.TempDir(), Frontend: daemontest.Connect(t, bus.Address)}
	cmd := exec.Command(filepath.Join(programs, "plextv-sim"), "mock", "--bus", bus.Address)
	cmd.Env = append(os.Environ(), "TMPDIR="+m.temp)
	if stdin != nil {
		cmd.Stdin = stdin
	} else {
		orders, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		m.orders = orders
	}
	m.Program = daemontest.Run(t, cmd)
	m.AwaitText("plexauthd is on " + bus.Address)
	m.AwaitText("DBUS_SYSTEM_BUS_ADDRESS=" + bus.Address)
	m.AwaitText("ends daemon and simulator")
	return m
}

func (m *mock) order(text string) {
	m.Helper()
	if _, err := io.WriteString(m.orders, text); err != nil {
		m.Fatal(err)
	}
}

// ends checks that it ends well and leaves nothing.
func (m *mock) ends() {
	m.Helper()
	m.MustEndWell()
	m.AwaitOwner(names.Bus, false)
	if left, err := os.ReadDir(m.temp); err != nil || len(left) > 0 {
		m.Errorf("left: %v (%v)", left, err)
	}
}

func TestMock(t *testing.T) {
	t.Parallel()
	m := startMock(t, nil)
	m.order("c\n")
	m.AwaitText("claim failed: no code is waiting")
	_, code := m.RequestPin()
	m.AwaitText("PIN " + code + " requested")
	m.order("c\n")
	m.AwaitText("state: signed-in")
	m.order("u\n")
	m.AwaitText("Kim uses the box")
	m.order("switch-user\n")
	m.AwaitText("Bob uses the box")
	m.order("u\n")
	m.AwaitText("sim-user uses the box")
	m.order("o\n")
	m.AwaitText("out of reach")
	if _, err := m.Validate(); err == nil || err.(dbus.Error).Name != names.ErrorPrefix+"Unreachable" {
		t.Errorf("offline: %v", err)
	}
	m.order("b\n")
	m.AwaitText("is back")
	if valid, err := m.Validate(); !valid || err != nil {
		t.Errorf("back: %v, %v", valid, err)
	}
	m.order("r\n")
	m.AwaitText("are now answered with status 401")
	m.AwaitText("state: unverified")
	m.AwaitSlow(3, "state: expired") // it takes more than a minute to be believed
	m.RequestPin()
	m.order("expire\n")
	m.AwaitText("pairing ended: expired")
	m.RequestPin()
	m.order("claim\n")
	m.AwaitText("state: signed-in")
	m.order("d\n")
	m.AwaitText("1 devices removed")
	m.AwaitText("state: unverified")
	m.order("nonsense\nh\n")
	m.AwaitText(`"nonsense" is not a key`)
	m.AwaitText("ends daemon and simulator")
	m.order("l\n")
	m.AwaitText("ten seconds")
	m.MustFail("RateLimited", "RequestPin")
	m.order("quit\n")
	m.ends()
}

func TestMockEnds(t *testing.T) {
	t.Run("with its input", func(t *testing.T) {
		m := startMock(t, nil)
		_ = m.orders.(io.Closer).Close()
		m.ends()
	})
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			m := startMock(t, nil)
			_ = m.Process.Signal(signal)
			m.ends()
		})
	}
	t.Run("killed", func(t *testing.T) {
		m := startMock(t, nil)
		_ = m.Process.Kill()
		m.AwaitOwner(names.Bus, false)
	})
	t.Run("when the daemon does", func(t *testing.T) {
		m := startMock(t, nil)
		var pid uint32
		if err := m.Conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, names.Bus).Store(&pid); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(int(pid), syscall.SIGKILL)
		if err := m.End(); err == nil || !strings.Contains(m.Printed.String(), "plexauthd has ended (signal: killed)") {
			t.Errorf("%v: %s", err, &m.Printed)
		}
	})
}

func TestMockAtATerminal(t *testing.T) {
	terminal, stdin := daemontest.Terminal(t, 80, 24)
	before, err := unix.IoctlGetTermios(int(stdin.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	m := startMock(t, stdin)
	m.orders = terminal
	m.RequestPin()
	m.order("c") // without Enter
	m.AwaitText("state: signed-in")
	m.order("q")
	m.ends()
	if after, err := unix.IoctlGetTermios(int(stdin.Fd()), unix.TCGETS); err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %+v, %v", after, err)
	}
}

func TestMockCannotStart(t *testing.T) {
	b := newBox(t)
	b.Start()
	program := filepath.Join(programs, "plextv-sim")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--bus", b.Bus.Address}, 1, "a plexauthd is on this bus already"},
		{[]string{"--bus", "unix:path=/nowhere"}, 1, "dbus-run-session"},
		{[]string{"--bus", bustest.Session(t).Address, "--plexauthd", "/nowhere"}, 1, "starting plexauthd"},
		{[]string{"--bus", bustest.Session(t).Address, "--plexauthd", "/bin/false"}, 1, "plexauthd has ended (exit status 1)"},
		{[]string{"--user="}, 2, "--user is empty"},
		{[]string{"extra"}, 2, "extra"},
	} {
		temp := t.TempDir()
		cmd := exec.Command(program, append([]string{"mock"}, c.args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+temp)
		out, _ := cmd.CombinedOutput() // the status says it all
		if status := cmd.ProcessState.ExitCode(); status != c.status || !strings.Contains(string(out), c.says) {
			t.Errorf("%v: exit status %d: %s", c.args, status, out)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%v: left %v (%v)", c.args, left, err)
		}
	}
	if out, err := exec.Command(program, "mock", "--help").Output(); err != nil || !strings.Contains(string(out), "remove-device") {
		t.Errorf("%v: %s", err, out)
	}
}
