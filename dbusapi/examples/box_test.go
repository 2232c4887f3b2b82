// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// box is a machine with a bus, a plex.tv, a daemon and a person.
type box struct {
	*daemontest.Box
	watch  *daemontest.Watcher
	daemon *daemontest.Process
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{Box: daemontest.New(t, daemonProgram, bustest.Session(t))}
	b.Configure("[pairing]\npoll_interval = \"100ms\"\n")
	b.watch = b.Watch(t.Context())
	return b
}

// startDaemon returns when the daemon is on the bus.
func (b *box) startDaemon() {
	b.Helper()
	b.daemon = b.Start("--log-level", "error")
	b.watch.MustNext(client.Snapshot)
}

func (b *box) requestPin() (code string) {
	b.Helper()
	pin, err := b.watch.RequestPin(b.Context(), client.PinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return pin.Code
}

// claim does what a person does at plex.tv/link.
func (b *box) claim(code, title string) {
	b.Helper()
	username := strings.ReplaceAll(strings.ToLower(title), " ", "")
	b.Claim(code, b.Sim.AddUser(plextvsim.User{Username: username, Title: title}))
}

func (b *box) token() string {
	b.Helper()
	token, err := b.watch.Token(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return token.Reveal()
}

func (b *box) awaitSignIn() {
	b.Helper()
	b.watch.Await("the sign-in", func(e client.Event) bool { return e.Status.Authenticated })
}

func (b *box) clearCredentials() {
	b.Helper()
	if err := b.watch.ClearCredentials(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.watch.Await("the sign-out", func(e client.Event) bool { return e.Kind == client.AuthChanged && !e.Authenticated })
}

func (b *box) plexIsDown() { b.Sim.Fail(plextvsim.Fault{Reset: true}) }
func (b *box) plexIsBack() { b.Sim.Clear() }

// example is a running example program.
type example struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	lines chan string

	mu  sync.Mutex
	all strings.Builder
}

// run starts an example on the box's bus.
func (b *box) run(name string, command []string) *example {
	b.Helper()
	cmd := exec.Command(command[0], append(command[1:], "--bus", b.Bus.Address)...)
	// GLib: a misuse of it ends the program. Qt: no screen, and console.log as it is.
	cmd.Env = append(os.Environ(), "G_DEBUG=fatal-warnings", "QT_QPA_PLATFORM=offscreen", "QT_QUICK_BACKEND=software", "QT_MESSAGE_PATTERN=%{message}")
	read, written, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = written, written
	if err := cmd.Start(); err != nil {
		b.Fatalf("starting %s: %v", name, err)
	}
	_ = written.Close()
	e := &example{t: b.TB, name: name, cmd: cmd, lines: make(chan string, 10000)}
	go e.read(read)
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
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
	late := time.After(daemontest.Patience)
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
	killer := time.AfterFunc(daemontest.Patience, func() { _ = e.cmd.Process.Kill() })
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
