// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// prints checks a whole run.
func (p *person) prints(status int, stdout, stderr string, args ...string) {
	p.t.Helper()
	got, out, err := p.run(args...)
	p.saw.WriteString(out)
	if got != status || !strings.Contains(out, stdout) || (stdout == "" && out != "") ||
		!strings.Contains(err, stderr) || (stderr == "" && err != "") {
		p.t.Errorf("%v: exit status %d, not %d; output with %q:\n%s\nstandard error with %q:\n%s",
			args, got, status, stdout, out, stderr, err)
	}
}

func TestStatus(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "Nobody is signed in\n", "", "status")
	p.prints(exitSignedOut, "plexauthd "+clienttest.Version, "", "status")
	pin, err := p.Client().RequestPin(p.bounded(), client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.prints(exitSignedOut, "code "+pin.Code+" at https://plex.tv/link, ", "", "status")
	p.prints(exitSignedOut, `"pin":{"id":`, "", "status", "--json")

	p.SignIn()
	server := client.Server{MachineID: "a1b2", URI: "https://10.0.0.2:32400"}
	if err := p.Client().SelectServer(p.bounded(), server); err != nil {
		t.Fatal(err)
	}
	p.prints(exitDone, "Signed in as alice\n", "", "status")
	p.prints(exitDone, "https://10.0.0.2:32400 (a1b2)", "", "status")
	status, out, _ := p.run("status", "--json")
	var view statusView
	decode(t, out, &view)
	if status != exitDone || !view.Authenticated || view.User.Username != clienttest.Username ||
		view.SelectedServer.MachineID != "a1b2" || view.Version != clienttest.Version {
		t.Errorf("exit status %d: %s", status, out)
	}

	p.Plex.Fail(plextvsim.Fault{Reset: true})
	p.StopDaemon()
	p.StartDaemon()
	p.prints(exitDone, "Signed in as alice, but plex.tv has not confirmed it yet", "", "status")
}

// TestStatusWithoutLeave is for users who may read the status but not call.
func TestStatusWithoutLeave(t *testing.T) {
	p := withoutLeave(t)
	p.SignIn()
	p.prints(exitDone, "Signed in\n", "", "status")
	for _, command := range []string{"logout", "validate", "headers", "users", "servers"} {
		p.prints(exitFailed, "", "join the group plexauth", command)
	}
	p.prints(exitFailed, "", "join the group plexauth", "switch", "Bob")
	p.prints(exitFailed, "", "join the group plexauth", "login", "--force")
}

func TestLogout(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "", "nobody is signed in", "logout")
	token := p.SignIn()
	p.Plex.Fail(plextvsim.Fault{Endpoint: plextvsim.SignOut, Status: 403, Times: 1})
	p.prints(exitDone, "has not confirmed", "", "logout")
	p.SignIn()
	p.prints(exitDone, "plex.tv has revoked the token", "", "logout")
	if p.state().State != client.SignedOut {
		t.Error("still signed in")
	}
	if err := p.Plex.Refuse(token, 0); err != nil {
		t.Fatal(err)
	}
	p.SignIn()
	p.prints(exitDone, `{"revoked":true}`, "", "logout", "--json")
}

func TestValidate(t *testing.T) {
	p := newPerson(t)
	p.prints(exitSignedOut, "", "nobody is signed in", "validate")
	token := p.SignIn()
	p.prints(exitDone, "valid\n", "", "validate")
	p.prints(exitDone, `{"valid":true}`, "", "validate", "--json")
	p.Plex.Fail(plextvsim.CaptivePortal())
	p.prints(exitFailed, "", "check for a captive portal", "validate")
	p.Plex.Clear()

	if err := p.Plex.Revoke(token); err != nil {
		t.Fatal(err)
	}
	watch, err := p.Client().Watch(p.bounded())
	if err != nil {
		t.Fatal(err)
	}
	p.prints(exitSignedOut, "refused\n", "", "validate")
	for event := range watch.Events {
		if event.Status.State == client.Expired {
			break
		}
	}
	p.prints(exitSignedOut, `{"valid":false}`, "", "validate", "--json")
	p.prints(exitSignedOut, "Plex has ended the sign-in", "", "status")
	p.prints(exitDone, "Signed out", "", "logout")
}

func TestHeaders(t *testing.T) {
	p := newPerson(t)
	p.prints(exitDone, "X-Plex-Device-Name: Box & Co\n", "", "headers")
	p.prints(exitSignedOut, "", "there is no token", "headers", "--with-token")
	p.prints(exitSignedOut, "", "nobody is signed in", "headers", "--server", clienttest.MachineID)
	token := p.SignIn()
	p.prints(exitFailed, "", "no such media server", "headers", "--server", "elsewhere")
	p.prints(exitDone, "X-Plex-Token: [redacted]\n", "", "headers", "--server", clienttest.MachineID)
	p.prints(exitDone, "X-Plex-Token: [redacted]\n", "", "headers")
	p.prints(exitDone, `"X-Plex-Device-Name":"Box & Co"`, "", "headers", "--json")
	p.prints(exitDone, `"X-Plex-Token":"[redacted]"`, "", "headers", "--json")
	for _, args := range [][]string{{"headers", "--with-token"}, {"headers", "--with-token", "--json"}} {
		if status, out, _ := p.run(args...); status != exitDone || !strings.Contains(out, token) {
			t.Errorf("%v: exit status %d, without the token", args, status)
		}
	}
}

func TestVersion(t *testing.T) {
	p := newPerson(t)
	p.prints(exitDone, "plexauthctl devel\nplexauthd "+clienttest.Version+"\n", "", "version")
	p.prints(exitDone, `"daemon":"`+clienttest.Version+`"`, "", "version", "--json")
	p.StopDaemon()
	p.prints(exitDone, "plexauthctl devel\n", "", "version")
	p.Bus.Stop()
	p.prints(exitDone, `{"version":"devel"}`, "", "version", "--json")
}

func TestWatch(t *testing.T) {
	p := newPerson(t)
	text, lines := p.begin("watch"), p.begin("watch", "--json")
	text.await("plexauthd " + clienttest.Version + "; Nobody is signed in")
	lines.await(`"event":"snapshot"`)
	p.SignIn()
	text.await("Signed in")
	text.await("sign-in changed: signed-in")
	lines.await(`"event":"auth-changed"`)
	pin, err := p.Client().RequestPin(p.bounded(), client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text.await("pairing with code " + pin.Code + " at https://plex.tv/link until ")
	if err := p.Client().SelectServer(p.bounded(), client.Server{MachineID: "a1b2", URI: "http://10.0.0.2:32400"}); err != nil {
		t.Fatal(err)
	}
	text.await("server http://10.0.0.2:32400 (a1b2)")
	p.StopDaemon()
	text.await("plexauthd is not running")
	p.StartDaemon()
	text.await("pairing with code " + pin.Code)
	if err := p.Client().CancelPin(p.bounded(), pin.ID); err != nil {
		t.Fatal(err)
	}
	text.await("no pairing under way")
	text.await("pairing ended: cancelled")
	lines.await(`"result":"cancelled"`)
	text.ctrlC()
	text.ends(exitDone, "")
	p.Bus.Stop()
	lines.ends(exitFailed, "the connection to the bus has ended")
}
