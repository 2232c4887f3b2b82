// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

func TestUsers(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "", "nobody is signed in", "users")
	p.SignIn()
	bob := p.AddHomeUser("Bob", "4711")
	p.prints(exitDone, "* alice  admin         ", "", "users")
	p.prints(exitDone, "  Bob    managed, PIN  "+bob+"\n", "", "users")
	status, out, _ := p.run("users", "--json")
	var views []homeUserView
	decode(t, out, &views)
	if status != exitDone || len(views) != 2 || !views[0].Current || views[1].Current || views[1].UUID != bob || !views[1].Protected {
		t.Errorf("exit status %d: %s", status, out)
	}
	p.Plex.Fail(plextvsim.Fault{Code: 1009})
	p.prints(exitFailed, "", "Plex does not allow this user to do that", "users")
	p.Plex.Clear()
	p.Plex.Fail(plextvsim.Fault{Status: 503})
	p.prints(exitFailed, "", "try again later", "users")
}

func TestSwitch(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "", "nobody is signed in", "switch", "Bob")
	p.SignIn()
	p.AddHomeUser("Kim", "")
	bob := p.AddHomeUser("Bob", "4711")
	p.prints(exitFailed, "", `no user "Kimm"`, "switch", "Kimm")
	p.prints(exitDone, "Kim uses the box now\n", "", "switch", "kim")
	p.prints(exitDone, "* Kim    managed", "", "users")
	p.prints(exitDone, "Signed in as Kim\n", "", "status")

	p.prints(exitFailed, "", "the PIN is missing", "switch", "Bob")
	for range 3 {
		p.types = "9358\n"
		p.prints(exitFailed, "", "the PIN is wrong", "switch", bob)
	}
	p.types = "4711\n"
	p.prints(exitFailed, "", "not now: too many wrong PINs: try again in ", "switch", "Bob")
	p.prints(exitDone, "Signed in as Kim\n", "", "status")
	p.prints(exitDone, `"title":"alice"`, "", "switch", "ALICE", "--json")
}

// A protected user may type the PIN, or a program pass it.
func TestSwitchWithAPIN(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	p.AddHomeUser("Bob", "4711")
	p.types = "4711" // without a newline
	p.prints(exitDone, "Bob uses the box now\n", "", "switch", "Bob")
	p.types = "47 11\n"
	p.prints(exitFailed, "", "pin: is not 4 digits", "switch", "Bob")
	p.types = strings.Repeat("4711", 1000)
	p.prints(exitFailed, "", "pin: is not 4 digits", "switch", "Bob")
}

func TestWhoIsMeant(t *testing.T) {
	users := []client.HomeUser{{UUID: "1", Title: "Kim"}, {UUID: "2", Title: "kim"}, {UUID: "3", Title: "Bob"}, {UUID: "4", Title: "Bob"}, {UUID: "5", Title: "Ève"}}
	for name, want := range map[string]string{"2": "2", "kim": "2", "Kim": "1", "ève": "5", "KIM": "", "Bob": "", "bob": "", "Eve": "", "": ""} {
		user, err := homeUserNamed(users, name)
		if user.UUID != want || (err != nil) != (want == "") {
			t.Errorf("%q is %q, not %q: %v", name, user.UUID, want, err)
		}
	}
}

// switchAtTerminal runs plexauthctl switch Bob at a terminal. act sees what a
// person sees, and does what a person does when the PIN is asked for.
func switchAtTerminal(t *testing.T, p *person, act func(terminal *os.File, ctrlC func())) (status int, seen, stderr string) {
	t.Helper()
	terminal, stdin := daemontest.Terminal(t, 80, 24)
	ctx, ctrlC := context.WithCancel(p.bounded())
	defer ctrlC()
	ended := make(chan int, 1)
	var errors strings.Builder
	asked := make(chan struct{})
	go func() {
		args := []string{"switch", "--bus", p.Bus.Address, "Bob"}
		ended <- run(ctx, args, stdin, &strings.Builder{}, &onFirst{&errors, asked})
	}()
	<-asked
	awaitEcho(t, stdin, false)
	act(terminal, ctrlC)
	status = <-ended
	awaitEcho(t, stdin, true)
	_, _ = fmt.Fprintln(stdin, "end")
	piece := make([]byte, 4096)
	for !strings.Contains(seen, "end") {
		n, err := terminal.Read(piece)
		if err != nil {
			t.Fatal(err)
		}
		seen += string(piece[:n])
	}
	return status, seen, errors.String()
}

// onFirst closes asked when something is written.
type onFirst struct {
	io.Writer
	asked chan struct{}
}

func (o *onFirst) Write(text []byte) (int, error) {
	select {
	case <-o.asked:
	default:
		defer close(o.asked)
	}
	return o.Writer.Write(text)
}

// awaitEcho waits until the terminal shows what is typed, or does not.
func awaitEcho(t *testing.T, terminal *os.File, want bool) {
	t.Helper()
	for deadline := time.After(clienttest.Timeout); ; {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if (state.Lflag&unix.ECHO != 0) == want {
			return
		}
		select {
		case <-time.After(time.Millisecond): // nothing announces it
		case <-deadline:
			t.Fatalf("the terminal does not change: want echo %v", want)
		}
	}
}

func TestPINIsNotShown(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	p.AddHomeUser("Bob", "4711")
	status, seen, stderr := switchAtTerminal(t, p, func(terminal *os.File, _ func()) {
		_, _ = terminal.WriteString("4711\r")
	})
	if status != exitDone || strings.Contains(seen, "4711") || stderr != "PIN of Bob: \n" {
		t.Errorf("exit status %d, on the screen %q and %q", status, seen, stderr)
	}
	p.prints(exitDone, "Signed in as Bob\n", "", "status")
}

func TestCtrlCWhileThePINIsAskedFor(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	p.AddHomeUser("Bob", "4711")
	status, _, stderr := switchAtTerminal(t, p, func(_ *os.File, ctrlC func()) { ctrlC() })
	if status != exitFailed || stderr != "PIN of Bob: \nplexauthctl: cancelled\n" {
		t.Errorf("exit status %d: %q", status, stderr)
	}
}

func TestServers(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "", "nobody is signed in", "servers")
	p.SignIn()
	p.prints(exitDone, "Living Room ("+clienttest.MachineID+"), own\n    "+clienttest.ServerURI+"\n", "", "servers")
	p.prints(exitDone, `[{"machine_id":"`+clienttest.MachineID+`","name":"Living Room","owned":true,"presence":true,"uris":["`, "", "servers", "--json")
	away := client.MediaServer{}
	if words := serverWords(away); words != "shared by somebody, not seen by plex.tv recently" {
		t.Errorf("%q", words)
	}
}
