// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the built programs as a box does: plexauthd on a real
// private bus, with real HTTPS to a simulated plex.tv and a real state file.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// patience bounds every wait; nothing here is measured against it.
const patience = 20 * time.Second

// programs is where TestMain puts what it has built.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		panic(err)
	}
	programs = dir
	boundLives()
	// The race detector has reported already: it does not have to wait for more.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	code := 1
	if err := build("-race", dir, "../../cmd/plexauthd", "../../cmd/plexauthctl", "../../cmd/plextv-sim"); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(flag, dir string, packages ...string) error {
	out, err := exec.Command("go", append([]string{"build", flag, "-ldflags", "-X main.pace=none", "-o", dir + "/"}, packages...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("building %v: %w\n%s", packages, err, out)
	}
	return nil
}

// box is a machine with a bus, a plex.tv and a place for the state.
type box struct {
	t       testing.TB
	bus     *bustest.Bus
	sim     *plextvsim.Sim
	plex    *plextvsim.Server
	dir     string
	state   string
	caFile  string
	notify  *net.UnixConn
	notes   chan string // what the service manager was told, one message each
	program string
	output  output // of all processes, whole
}

// output collects what processes print.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func newBox(t testing.TB) *box {
	t.Helper()
	return newBoxOn(t, bustest.Session(t))
}

func newBoxOn(t testing.TB, bus *bustest.Bus) *box {
	t.Helper()
	dir, err := os.MkdirTemp("", "box") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sim := plextvsim.New(plextvsim.Options{})
	b := &box{
		t: t, bus: bus, sim: sim, plex: sim.StartTLS(), dir: dir,
		state: filepath.Join(dir, "state", "state.toml"), caFile: filepath.Join(dir, "ca.pem"),
		notes: make(chan string, 1000), program: filepath.Join(programs, "plexauthd"),
	}
	t.Cleanup(func() { b.plex.Close() })
	if err := os.WriteFile(b.caFile, b.plex.CAPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	b.listen()
	return b
}

// listen is the service manager's end of sd_notify(3).
func (b *box) listen() {
	address := &net.UnixAddr{Name: filepath.Join(b.dir, "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.notify = conn
	b.t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 8192)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			b.notes <- string(buf[:n])
		}
	}()
}

// process is one run of plexauthd.
type process struct {
	box  *box
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// launch starts plexauthd with more arguments than the usual ones.
func (b *box) launch(args ...string) *process {
	b.t.Helper()
	args = append([]string{"--bus", b.bus.Address, "--state", b.state, "--plex-url", b.plex.URL, "--log-level", "debug"}, args...)
	return b.exec(exec.Command(b.program, args...))
}

func (b *box) exec(cmd *exec.Cmd) *process {
	b.t.Helper()
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+b.caFile, "NOTIFY_SOCKET="+b.notify.LocalAddr().String())
	cmd.Env = append(cmd.Env, "JOURNAL_STREAM=")
	cmd.Stdout, cmd.Stderr = &b.output, &b.output
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	p := &process{box: b, cmd: cmd, done: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }()
	b.t.Cleanup(p.kill)
	return p
}

// start launches plexauthd and waits until it is ready.
func (b *box) start(args ...string) *process {
	b.t.Helper()
	p := b.launch(args...)
	b.awaitNote("READY=1")
	return p
}

// awaitNote reads what the service manager is told until a message has text.
func (b *box) awaitNote(text string) string {
	b.t.Helper()
	for {
		select {
		case note := <-b.notes:
			if strings.Contains(note, text) {
				return note
			}
		case <-time.After(patience):
			b.t.Fatalf("the service manager was not told %q; output:\n%s", text, b.output.String())
		}
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil {
		p.box.t.Fatal(err)
	}
}

// wait returns the exit status.
func (p *process) wait() int {
	p.box.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.box.t.Fatalf("plexauthd has not ended; output:\n%s", p.box.output.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// frontend is a program on the bus that uses plexauthd.
type frontend struct {
	t       testing.TB
	conn    *dbus.Conn
	signals chan *dbus.Signal
}

func (b *box) frontend() *frontend {
	b.t.Helper()
	conn, err := dbus.Connect(b.bus.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	f := &frontend{b.t, conn, make(chan *dbus.Signal, 1000)}
	conn.Signal(f.signals)
	if err := conn.AddMatchSignal(dbus.WithMatchObjectPath(names.Path)); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// call calls a member given as "Credentials.GetToken" or "RequestPin".
func (f *frontend) call(member string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f.conn.Object(names.Bus, names.Path).CallWithContext(ctx, names.Bus+"."+member, 0, args...)
}

func (f *frontend) property(name string) any {
	f.t.Helper()
	v, err := f.conn.Object(names.Bus, names.Path).GetProperty(names.Bus + "." + name)
	if err != nil {
		f.t.Fatal(err)
	}
	return v.Value()
}

// await reads signals until one is named so.
func (f *frontend) await(member string) *dbus.Signal {
	f.t.Helper()
	for {
		select {
		case s := <-f.signals:
			if strings.HasSuffix(s.Name, "."+member) {
				return s
			}
		case <-time.After(patience):
			f.t.Fatalf("no signal %s", member)
		}
	}
}

// requestPin starts a pairing and gives its number and code.
func (f *frontend) requestPin() (id uint64, code string) {
	f.t.Helper()
	var link, uri string
	var expires int64
	if err := f.call("RequestPin").Store(&id, &code, &link, &uri, &expires); err != nil {
		f.t.Fatal(err)
	}
	return id, code
}

// signIn pairs the box as a person would and returns the token.
func (b *box) signIn(f *frontend) (token string) {
	b.t.Helper()
	_, code := f.requestPin()
	b.claim(code)
	f.await("AuthChanged")
	if err := f.call("Credentials.GetToken").Store(&token); err != nil {
		b.t.Fatal(err)
	}
	return token
}

func (b *box) claim(code string) {
	b.t.Helper()
	if err := b.sim.Claim(code, b.sim.AddUser(plextvsim.User{})); err != nil {
		b.t.Fatal(err)
	}
}
