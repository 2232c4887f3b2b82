// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// webApp is what the web app keeps of Bob, who has that token.
func webApp(token string) string {
	return `{"retune_client_id":"3f0c","retune_plex_auth":` + strings.Replace(kept, "abc-123_XYZ", token, 1) + `}`
}

// imports pipes text to plexauthctl import and checks the run.
func (p *person) imports(text string, status int, stdout, stderr string, args ...string) {
	p.t.Helper()
	p.types = text
	p.prints(status, stdout, stderr, append([]string{"import"}, args...)...)
	p.types = ""
}

func TestImport(t *testing.T) {
	p := newPerson(t)
	bob := p.Plex.AddUser(plextvsim.User{Username: "bob", Title: "Bob"})
	p.imports(webApp(bob), exitDone, "Signed in as Bob\n", "retune_client_id is not imported")
	s := p.state()
	if s.State != client.SignedIn || s.SelectedServer.MachineID != "51a0" {
		t.Errorf("%+v", s)
	}
	// What plex.tv says of the user counts, not what the browser has kept.
	stored, err := p.Client().StoredCredentials(p.bounded())
	if err != nil || stored.Username != "bob" || stored.Token.Reveal() != bob || stored.IssuedAt.Unix() != 1768478400 {
		t.Errorf("%+v, %v", stored, err)
	}
	headers, err := p.Client().Headers(p.bounded())
	if id := headers.Identity["X-Plex-Client-Identifier"]; err != nil || id == "" || id == "3f0c" {
		t.Errorf("the client identifier is %q (%v)", id, err)
	}
}

func TestImportOfABareToken(t *testing.T) {
	p := newPerson(t)
	bob := p.Plex.AddUser(plextvsim.User{Username: "bob"})
	p.imports(bob+"\n", exitDone, `"username":"bob"`, "", "--json")
	p.imports(bob, exitDone, `"verified":true`, "", "--json")
}

func TestImportRefused(t *testing.T) {
	p := newPerson(t)
	alice := p.SignIn()
	for text, says := range map[string]string{
		"":                             "nothing was imported: the input is empty",
		"no-such-token":                "nothing was imported: plex.tv refuses this token",
		webApp("no-such-token"):        "plex.tv refuses this token",
		"eyJhbGciOi.eyJpc3MiOi.c2lnbg": "sign in on this box instead (plexauthctl login)",
		webApp("a b"):                  "token: has characters that no token has",
		strings.Repeat("a", 9000):      "token: is longer than",
		strings.Repeat("a", 1<<20):     "longer than 64 KiB",
		webApp("no-such-token")[:200]:  "unexpected end of JSON",
	} {
		p.types = text
		status, out, stderr := p.run("import")
		if status != exitFailed || out != "" || !strings.Contains(stderr, says) {
			t.Errorf("%.40q: exit status %d, %q, standard error with %q:\n%s", text, status, out, says, stderr)
		}
		if strings.Contains(stderr, "no-such-token") || strings.Contains(stderr, "eyJ") {
			t.Errorf("the input is printed: %s", stderr)
		}
	}
	stored, err := p.Client().StoredCredentials(p.bounded())
	if err != nil || stored.Token.Reveal() != alice {
		t.Errorf("what was stored is gone: %v", err)
	}
}

func TestImportWithoutPlex(t *testing.T) {
	p := newPerson(t)
	bob := p.Plex.AddUser(plextvsim.User{Username: "bob"})
	p.Plex.Fail(plextvsim.Fault{Reset: true})
	p.imports(bob, exitFailed, "", "plex.tv cannot be asked about the token now: try again later, or see --unverified")
	p.types = webApp(bob)
	if status, _, stderr := p.run("import"); status != exitFailed || p.state().State != client.SignedOut {
		t.Errorf("stored unchecked: exit status %d, %s", status, stderr)
	}
	p.imports(bob, exitFailed, "", "--unverified needs user_id and username in the input", "--unverified")
	p.imports(webApp(bob), exitDone, "Signed in as alice, but plex.tv has not confirmed it yet\n", "not imported", "--unverified")
	p.imports(webApp("an-0ther"), exitFailed, "", "an unchecked one must not replace", "--unverified")
	p.imports(webApp(bob), exitDone, `"verified":false`, "not imported", "--unverified", "--json")
}

func TestImportAtATerminal(t *testing.T) {
	p := newPerson(t)
	bob := p.Plex.AddUser(plextvsim.User{Username: "bob", Title: "Bob"})
	terminal, stdin := daemontest.Terminal(t, 80, 24)
	var stdout, stderr bytes.Buffer
	asked, ended := make(chan struct{}), make(chan int, 1)
	go func() {
		ended <- run(p.bounded(), []string{"import", "--bus", p.Bus.Address}, stdin, &stdout, &onFirst{&stderr, asked})
	}()
	<-asked
	// Over several lines, and more follows that the shell must not see.
	_, _ = terminal.WriteString(strings.ReplaceAll(webApp(bob), "\n", "\r") + "\rrm everything\r")
	if status := <-ended; status != exitDone || stdout.String() != "Signed in as Bob\n" {
		t.Errorf("exit status %d, %q, %q", status, &stdout, &stderr)
	}
	if left, err := unix.IoctlGetInt(int(stdin.Fd()), unix.TIOCINQ); err != nil || left > 0 {
		t.Errorf("%d bytes are left for the shell (%v)", left, err)
	}
	_, _ = fmt.Fprintln(stdin, "end")
	piece, seen := make([]byte, 4096), ""
	for !strings.Contains(seen, "end") {
		n, err := terminal.Read(piece)
		if err != nil {
			t.Fatal(err)
		}
		seen += string(piece[:n])
	}
	if strings.TrimSpace(seen) != "end" {
		t.Errorf("the terminal has shown %q", seen)
	}
	awaitEcho(t, stdin, true)
}

func TestCtrlCWhileImportWaits(t *testing.T) {
	p := newPerson(t)
	_, stdin := daemontest.Terminal(t, 80, 24)
	ctx, ctrlC := context.WithCancel(p.bounded())
	asked, ended := make(chan struct{}), make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"import", "--bus", p.Bus.Address}, stdin, &bytes.Buffer{}, &onFirst{&stderr, asked})
	}()
	<-asked
	ctrlC()
	if status := <-ended; status != exitFailed || !strings.HasSuffix(stderr.String(), "\nplexauthctl: cancelled\n") {
		t.Errorf("exit status %d, %q", status, &stderr)
	}
	awaitEcho(t, stdin, true)
}

// A token on the command line would be there for every process to read.
func TestImportTakesNoArgument(t *testing.T) {
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"import", "s3cr3t"}, os.Stdin, &bytes.Buffer{}, &stderr)
	if status != exitUsage || strings.Contains(stderr.String(), "s3cr3t") {
		t.Errorf("exit status %d: %s", status, &stderr)
	}
}
