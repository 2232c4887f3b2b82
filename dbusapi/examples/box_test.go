// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
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

// run starts an example on the box's bus.
func (b *box) run(command []string, options ...string) *daemontest.Program {
	b.Helper()
	args := slices.Concat(command[1:], options, []string{"--bus", b.Bus.Address})
	cmd := exec.Command(command[0], args...)
	// GLib: a misuse of it ends the program. Qt: no screen, and console.log as it is.
	cmd.Env = append(os.Environ(), "G_DEBUG=fatal-warnings", "QT_QPA_PLATFORM=offscreen", "QT_QUICK_BACKEND=software", "QT_MESSAGE_PATTERN=%{message}")
	return daemontest.Run(b, cmd)
}

// examples are those that run on the same box.
type examples []*daemontest.Program

// runAll starts every example.
func (b *box) runAll(options ...string) (all examples) {
	b.Helper()
	for _, command := range programs {
		all = append(all, b.run(command, options...))
	}
	return all
}

// await waits until each has printed the line.
func (all examples) await(line string) {
	for _, e := range all {
		e.Await(line)
	}
}

// signal sends a signal to each.
func (all examples) signal(s syscall.Signal) {
	for _, e := range all {
		_ = e.Process.Signal(s)
	}
}

// asksFor is what an example prints while a pairing is under way.
func asksFor(code string) string { return "Go to https://plex.tv/link and enter " + code }

// methods are the names of all methods in the XML.
func methods(t *testing.T) (all []string) {
	t.Helper()
	for _, i := range bustest.Interface(t).Interfaces {
		for _, m := range i.Methods {
			all = append(all, m.Name)
		}
	}
	return all
}
