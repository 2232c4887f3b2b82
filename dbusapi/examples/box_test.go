// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// patience bounds every wait; nothing here is measured against it.
const patience = time.Minute

// box is a machine with a bus, a plex.tv, a daemon and a person.
type box struct {
	t      *testing.T
	ctx    context.Context
	bus    *bustest.Bus
	sim    *plextvsim.Sim
	plex   *client.Client
	watch  *client.Watch
	args   []string // of plexauthd
	env    []string
	daemon *exec.Cmd
}

func newBox(t *testing.T) *box {
	t.Helper()
	dir, bus, sim := t.TempDir(), bustest.Session(t), plextvsim.New(plextvsim.Options{})
	server := sim.StartTLS()
	t.Cleanup(server.Close)
	config, trust := filepath.Join(dir, "config.toml"), filepath.Join(dir, "ca.pem")
	write(t, config, []byte("[pairing]\npoll_interval = \"100ms\"\n"))
	write(t, trust, server.CAPEM())
	plex, err := client.Dial(t.Context(), bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plex.Close() })
	watch, err := plex.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &box{
		t: t, ctx: t.Context(), bus: bus, sim: sim, plex: plex, watch: watch,
		args: []string{
			"--bus", bus.Address, "--config", config, "--state", filepath.Join(dir, "state", "state.toml"),
			"--plex-url", server.URL, "--log-level", "error",
		},
		env: append(os.Environ(), "SSL_CERT_FILE="+trust),
	}
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// startDaemon returns when the daemon is on the bus.
func (b *box) startDaemon() {
	b.t.Helper()
	b.daemon = exec.Command(daemonProgram, b.args...)
	b.daemon.Env, b.daemon.Stderr = b.env, b.t.Output()
	if err := b.daemon.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.killDaemon)
	b.await("the daemon", func(e client.Event) bool { return e.Kind == client.Snapshot })
}

// killDaemon ends it as a crash does.
func (b *box) killDaemon() {
	_ = b.daemon.Process.Kill()
	_ = b.daemon.Wait()
}

// await reads what the daemon announces until something is as wanted.
func (b *box) await(what string, wanted func(client.Event) bool) {
	b.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-b.watch.Events:
			if wanted(e) {
				return
			}
		case <-late:
			b.t.Fatalf("%s did not come", what)
		}
	}
}

func (b *box) requestPin() (code string) {
	b.t.Helper()
	pin, err := b.plex.RequestPin(b.ctx, client.PinOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return pin.Code
}

// claim does what a person does at plex.tv/link.
func (b *box) claim(code, title string) {
	b.t.Helper()
	username := strings.ReplaceAll(strings.ToLower(title), " ", "")
	if err := b.sim.Claim(code, b.sim.AddUser(plextvsim.User{Username: username, Title: title})); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) token() string {
	b.t.Helper()
	token, err := b.plex.Token(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return token.Reveal()
}

func (b *box) awaitSignIn() {
	b.t.Helper()
	b.await("the sign-in", func(e client.Event) bool { return e.Status.Authenticated })
}

func (b *box) clearCredentials() {
	b.t.Helper()
	if err := b.plex.ClearCredentials(b.ctx); err != nil {
		b.t.Fatal(err)
	}
	b.await("the sign-out", func(e client.Event) bool { return e.Kind == client.AuthChanged && !e.Authenticated })
}

func (b *box) plexIsDown() { b.sim.Fail(plextvsim.Fault{Reset: true}) }
func (b *box) plexIsBack() { b.sim.Clear() }

// example is a running example program.
type example struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	lines chan string

	mu  sync.Mutex
	all strings.Builder
}

// run starts an example on the box's bus.
func (b *box) run(name string, command []string) *example {
	b.t.Helper()
	cmd := exec.Command(command[0], append(command[1:], "--bus", b.bus.Address)...)
	// GLib: a misuse of it ends the program. Qt: no screen, and console.log as it is.
	cmd.Env = append(os.Environ(), "G_DEBUG=fatal-warnings", "QT_QPA_PLATFORM=offscreen", "QT_QUICK_BACKEND=software", "QT_MESSAGE_PATTERN=%{message}")
	read, written, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = written, written
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("starting %s: %v", name, err)
	}
	_ = written.Close()
	e := &example{t: b.t, name: name, cmd: cmd, lines: make(chan string, 10000)}
	go e.read(read)
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return e
}

func (e *example) read(from *os.File) {
	defer close(e.lines)
	for lines := bufio.NewScanner(from); lines.Scan(); {
		e.mu.Lock()
		fmt.Fprintln(&e.all, lines.Text())
		e.mu.Unlock()
		e.lines <- lines.Text()
	}
}

// pause stops the example where it is, until it goes on.
func (e *example) pause() { _ = e.cmd.Process.Signal(syscall.SIGSTOP) }
func (e *example) goOn()  { _ = e.cmd.Process.Signal(syscall.SIGCONT) }

// printed is all that the example has printed.
func (e *example) printed() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all.String()
}

// await waits for a line.
func (e *example) await(want string) {
	e.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-e.lines:
			if line == want {
				return
			}
			if !ok {
				e.t.Fatalf("%s ended before %q; it printed\n%s", e.name, want, e.printed())
			}
		case <-late:
			e.t.Fatalf("%s did not print %q but\n%s", e.name, want, e.printed())
		}
	}
}

// end waits until the example has ended and all that it printed is read.
func (e *example) end() error {
	killer := time.AfterFunc(patience, func() { _ = e.cmd.Process.Kill() })
	defer killer.Stop()
	for range e.lines {
	}
	return e.cmd.Wait()
}

func (e *example) mustEndWell() {
	e.t.Helper()
	if err := e.end(); err != nil {
		e.t.Errorf("%s: %v; it printed\n%s", e.name, err, e.printed())
	}
}

// mustFail wants an exit status that tells, and no crash.
func (e *example) mustFail() {
	e.t.Helper()
	err := e.end()
	if err == nil || !e.cmd.ProcessState.Exited() || strings.Contains(e.printed(), "Traceback") {
		e.t.Errorf("%s ended so: %v; it printed\n%s", e.name, err, e.printed())
	}
}

// methods are the names of all methods in the XML.
func methods(t *testing.T) (all []string) {
	t.Helper()
	var node struct {
		Interfaces []struct {
			Methods []struct {
				Name string `xml:"name,attr"`
			} `xml:"method"`
		} `xml:"interface"`
	}
	if err := xml.Unmarshal([]byte(names.XML), &node); err != nil {
		t.Fatal(err)
	}
	for _, i := range node.Interfaces {
		for _, m := range i.Methods {
			all = append(all, m.Name)
		}
	}
	return all
}
