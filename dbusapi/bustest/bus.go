// SPDX-License-Identifier: Apache-2.0

// Package bustest starts real, private D-Bus buses for tests.
package bustest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

// Bus is a dbus-daemon of its own.
type Bus struct {
	Address string
	t       testing.TB
	config  string // path of the configuration file
	stop    func()
}

// Session starts a bus with the session bus's open policy. It ends with the test.
func Session(t testing.TB) *Bus {
	t.Helper()
	return start(t, sessionConfig)
}

// Starting is [Session] with a service that the bus starts when it is called, and
// that does not come before the test ends: callers are kept waiting.
func Starting(t testing.TB, name string) *Bus {
	t.Helper()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "end")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	service := fmt.Sprintf("[D-BUS Service]\nName=%s\nExec=/bin/sh -c \"read end < %s\"\n", name, fifo)
	if err := os.WriteFile(filepath.Join(dir, name+".service"), []byte(service), 0o600); err != nil {
		t.Fatal(err)
	}
	bus := start(t, strings.Replace(sessionConfig, "</busconfig>", "  <servicedir>"+dir+"</servicedir>\n</busconfig>", 1))
	t.Cleanup(func() { _, _ = end.WriteString("\n"); _ = end.Close() }) // the bus ends behind it
	return bus
}

// Roomy is [Session] without the limits of the bus that would hide what a
// service does in a flood of calls, or at a message as long as D-Bus knows.
func Roomy(t testing.TB) *Bus {
	t.Helper()
	return start(t, strings.Replace(sessionConfig, "</busconfig>", roomyLimits+"</busconfig>", 1))
}

// System starts a bus with the system bus's closed policy and the policy files
// named: absolute paths as they would lie in /usr/share/dbus-1/system.d. Every
// user of the machine can connect to it. It ends with the test.
func System(t testing.TB, policies ...string) *Bus {
	t.Helper()
	var includes strings.Builder
	for _, file := range policies {
		fmt.Fprintf(&includes, "  <include>%s</include>\n", file)
	}
	return start(t, fmt.Sprintf(systemConfig, includes.String()))
}

// Stop ends the bus before the test does, as a crash would.
func (b *Bus) Stop() { b.stop() }

// Restart starts the bus again at the same address, stopped or not.
func (b *Bus) Restart() {
	b.t.Helper()
	b.stop()
	b.run()
}

// Own connects to the bus and takes a name there, until the test ends.
func (b *Bus) Own(t testing.TB, name string, options ...dbus.ConnOption) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(b.Address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("taking the name %s: %v %v", name, reply, err)
	}
	return conn
}

const sessionConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=@SOCKET@</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

const roomyLimits = `  <limit name="max_replies_per_connection">1000000</limit>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_message_size">134217728</limit>
  <limit name="max_completed_connections">10000</limit>
  <limit name="max_incomplete_connections">10000</limit>
  <limit name="max_connections_per_user">10000</limit>
`

// systemConfig has the rules of dbus-daemon's own system.conf.
const systemConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=@SOCKET@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus" send_member="UpdateActivationEnvironment"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
%s</busconfig>
`

func start(t testing.TB, config string) *Bus {
	t.Helper()
	bus := configure(t, config)
	t.Cleanup(func() { bus.stop() })
	bus.run()
	return bus
}

// configure makes a directory for a bus, and its configuration.
func configure(t testing.TB, config string) *Bus {
	t.Helper()
	// Not t.TempDir: its name can be longer than a socket's may be, and other
	// users have to get in.
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	socket, file := filepath.Join(dir, "socket"), filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "@SOCKET@", socket)), 0o644); err != nil {
		t.Fatal(err)
	}
	// Without the bus's own guid, which is another one after a restart.
	return &Bus{Address: "unix:path=" + socket, t: t, config: file, stop: func() {}}
}

// run starts dbus-daemon and returns when it takes connections.
func (b *Bus) run() {
	b.t.Helper()
	cmd := exec.Command("dbus-daemon", "--config-file="+b.config, "--nofork", "--print-address=1")
	cmd.Stderr = &complaints{to: b.t.Output()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("starting dbus-daemon, from Debian's package dbus-daemon: %v", err)
	}
	b.stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.t.Fatalf("dbus-daemon gave no address: %v", err)
	}
}

// complaints passes on what the bus writes, but for its line about each call
// that is one too many.
type complaints struct {
	to   io.Writer
	line []byte
}

func (c *complaints) Write(p []byte) (int, error) {
	for part := range bytes.Lines(p) { // the bus writes lines in parts
		if c.line = append(c.line, part...); !bytes.HasSuffix(part, []byte("\n")) {
			break
		}
		if !bytes.Contains(c.line, []byte("max_replies_per_connection")) {
			if _, err := c.to.Write(c.line); err != nil {
				return 0, err
			}
		}
		c.line = c.line[:0]
	}
	return len(p), nil
}
