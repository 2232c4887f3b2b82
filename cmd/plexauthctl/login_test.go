// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestLogin(t *testing.T) {
	p := newPerson(t)
	r := p.begin("login")
	r.await("https://plex.tv/link")
	r.await("") // an empty line
	code := strings.Join(strings.Fields(r.await("")), "")
	r.await("Waiting until ")
	p.claim(code)
	if line := r.await(""); line != "Signed in as alice" {
		t.Errorf("the first line after the claim is %q", line)
	}
	r.ends(exitDone, "")

	p.prints(exitDone, "Signed in as alice already", "", "login")
	p.prints(exitDone, `"already":true`, "", "login", "--json")
	if n := len(p.Plex.Pins()); n != 1 {
		t.Errorf("%d PINs were requested for one sign-in", n)
	}
	again := p.begin("login", "--force", "--json")
	p.claim(again.awaitPairing().Code)
	again.await(`"event":"signed-in","user":{`)
	again.ends(exitDone, "")
}

func TestLoginStrong(t *testing.T) {
	p := newPerson(t)
	r := p.begin("login", "--strong")
	r.await("Scan the QR code with a phone, or open")
	link := r.await("https://app.plex.tv/auth#?")
	pin := p.state().Pin
	if !strings.Contains(link, "code="+pin.Code) || len(pin.Code) != 25 {
		t.Errorf("the link is %q of %+v", link, pin)
	}
	p.prints(exitSignedOut, "Pairing: a QR code, which plexauthctl login shows, ", "", "status")
	p.claim(pin.Code)
	r.ends(exitDone, "")
}

func TestLoginEndsByItself(t *testing.T) {
	tests := map[string]struct {
		act  func(*person, client.Pairing)
		says string
	}{
		"expired": {
			func(p *person, pin client.Pairing) {
				if err := p.Plex.ExpirePin(pin.Code); err != nil {
					p.t.Fatal(err)
				}
			}, "the code expired before anybody entered it",
		},
		"cancelled": {
			func(p *person, pin client.Pairing) {
				if err := p.Client().CancelPin(p.bounded(), pin.ID); err != nil {
					p.t.Fatal(err)
				}
			}, "somebody else has cancelled",
		},
	}
	for event, test := range tests {
		t.Run(event, func(t *testing.T) {
			p := newPerson(t)
			r := p.begin("login", "--json")
			test.act(p, r.awaitPairing())
			r.await(`{"event":"` + event + `"}`)
			r.ends(exitFailed, test.says)
		})
	}
}

func TestLoginWhenPlexRefuses(t *testing.T) {
	p := newPerson(t)
	p.Plex.Fail(plextvsim.Fault{Status: 429})
	p.begin("login").ends(exitFailed, "try again later")
}

func TestLoginWithoutBus(t *testing.T) {
	p := newPerson(t)
	r := p.begin("login", "--json")
	r.awaitPairing()
	p.Bus.Stop()
	r.ends(exitFailed, "the connection to the bus has ended")
}

func TestCtrlCEndsOnlyOnesOwnPairing(t *testing.T) {
	p := newPerson(t)
	own := p.begin("login", "--json")
	pin := own.awaitPairing()
	joined := p.begin("login", "--json")
	if same := joined.awaitPairing(); same.ID != pin.ID || same.Code != pin.Code {
		t.Errorf("two logins show %+v and %+v", pin, same)
	}
	joined.ctrlC()
	joined.ends(exitFailed, "cancelled")
	if p.state().Pin.ID != pin.ID {
		t.Error("leaving a pairing that another has begun has ended it")
	}
	own.ctrlC()
	own.await(`{"event":"cancelled"}`)
	own.ends(exitFailed, "plexauthctl: cancelled\n")
	if s := p.state(); s.State != client.SignedOut {
		t.Errorf("the state after Ctrl-C is %s", s.State)
	}
}

func TestCtrlCWhileTheDaemonIsAway(t *testing.T) {
	p := newPerson(t)
	r := p.begin("login")
	r.await("Waiting until ")
	p.StopDaemon()
	r.await("plexauthd has stopped")
	r.ctrlC()
	r.ends(exitFailed, "plexauthd could not be told, and the code stays valid until ")
}

// TestSignalsEndTheProcess has a real process and real signals.
func TestSignalsEndTheProcess(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := newPerson(t)
			process := exec.Command(os.Args[0], "login", "--bus", p.Bus.Address)
			process.Env = append(os.Environ(), asProgram+"=1")
			var stderr bytes.Buffer
			process.Stderr = &stderr
			stdout, err := process.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
				if strings.HasPrefix(scanner.Text(), "Waiting until") {
					if err := process.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			_ = process.Wait() // the status is looked at
			if status := process.ProcessState.ExitCode(); status != exitFailed || stderr.String() != "plexauthctl: cancelled\n" {
				t.Errorf("exit status %d: %s", status, &stderr)
			}
			if s := p.state(); s.State != client.SignedOut {
				t.Errorf("the state afterwards is %s", s.State)
			}
		})
	}
}

func TestLoginOverARestart(t *testing.T) {
	tests := map[string]func(p *person, code string){
		"claimed after it": func(p *person, code string) {
			p.StartDaemon()
			p.claim(code)
		},
		"claimed during it": func(p *person, code string) {
			p.claim(code)
			p.StartDaemon()
		},
	}
	for name, restart := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			r := p.begin("login")
			r.await("Waiting until ")
			code := p.state().Pin.Code
			p.StopDaemon()
			r.await("plexauthd has stopped; waiting for it to come back")
			restart(p, code)
			r.await("plexauthd is back")
			r.await("Signed in as alice")
			r.ends(exitDone, "")
		})
	}
}

// TestLoginOverALongStop comes back to a daemon that knows nothing of the
// pairing any more, because another daemon run has ended it.
func TestLoginOverALongStop(t *testing.T) {
	tests := map[string]struct {
		end    func(*person)
		status int
		says   string
	}{
		"signed in meanwhile": {func(p *person) { p.SignIn() }, exitDone, ""},
		"cancelled meanwhile": {func(*person) {}, exitFailed, "has cancelled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			r := p.begin("login", "--json")
			r.awaitPairing()
			pin := p.state().Pin
			p.StopDaemon()
			r.await("daemon-gone")
			p.elsewhere(func() {
				if err := p.Client().CancelPin(p.bounded(), pin.ID); err != nil {
					t.Fatal(err)
				}
				test.end(p)
			})
			r.await("daemon-back")
			r.ends(test.status, test.says)
		})
	}
}

func TestLoginIsBoundedWhileTheDaemonIsAway(t *testing.T) {
	p := newPerson(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	p.clock = clock
	r := p.begin("login", "--json")
	r.awaitPairing()
	p.StopDaemon()
	r.await("daemon-gone")
	clock.Advance(6 * time.Minute) // the clock began before the pairing
	r.ends(exitFailed, "the code has expired while plexauthd was not running")
}
