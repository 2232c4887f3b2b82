// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// patient is a box to be examined, with nothing wrong.
type patient struct {
	*clienttest.Box
	t    *testing.T
	plex *plextvsim.Server
	Options
}

func newPatient(t *testing.T, bus *bustest.Bus) *patient {
	t.Helper()
	p := &patient{Box: clienttest.New(t, bus), t: t}
	p.plex = p.Plex.StartTLS()
	t.Cleanup(p.plex.Close)
	p.Options = Options{
		Bus: bus.Address, PlexURL: p.plex.URL, RootCAs: p.plex.CAPool(), Clock: clockwork.NewRealClock(),
		Config: p.write("config.toml", "", 0o644), State: p.write("state.toml", "", 0o600),
	}
	return p
}

// write makes a file in a directory of its own, which is private to its owner.
func (p *patient) write(name, text string, mode os.FileMode) string {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), name)
	if err := os.Chmod(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
	return file
}

// ofTheMachine are the checks whose findings depend on the machine that the test
// runs on, which may have plexauthd installed or not, and all of /tmp in memory.
var ofTheMachine = []string{"group", "service", "storage"}

// finds checks the findings of one check, and that only the checks named are wrong,
// but for those of the machine.
func (p *patient) finds(check string, result Result, text, advice string, alsoWrong ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 4*clienttest.Timeout)
	defer cancel()
	for _, f := range Examine(ctx, p.Options) {
		switch {
		case f.Check == check:
			if f.Result != result || !strings.Contains(f.Finding, text) || !strings.Contains(f.Advice, advice) {
				p.t.Errorf("%+v, not %s with %q and %q", f, result, text, advice)
			}
		case f.Result == Wrong && !slices.Contains(append(alsoWrong, ofTheMachine...), f.Check):
			p.t.Errorf("besides %s: %+v", check, f)
		}
		if (f.Result == Wrong) != (f.Advice != "") {
			p.t.Errorf("%+v: advice belongs to what is wrong", f)
		}
		for _, secret := range p.Secrets() {
			if strings.Contains(f.Finding+f.Advice, secret) {
				p.t.Errorf("a secret is in %+v", f)
			}
		}
	}
}

func TestNothingIsWrong(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.finds("sign-in", OK, "nobody is signed in", "")
	p.SignIn()
	for check, text := range map[string]string{
		"bus": "answers", "daemon": "plexauthd " + clienttest.Version + " runs", "access": "may pair and read", "state file": "private to its owner",
		"sign-in": "somebody is signed in", "configuration": p.plex.URL, "tls": "is valid", "plex.tv": "answers", "clock": "agrees",
	} {
		p.finds(check, OK, text, "")
	}
	for check, text := range map[string]string{"service": "not a service of systemd", "group": "needs no group", "dns": "is not a name"} {
		p.finds(check, Unknown, text, "")
	}
}

func TestSignIn(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	token := p.SignIn()
	p.Plex.Fail(plextvsim.Fault{Reset: true})
	p.StopDaemon()
	p.StartDaemon()
	p.finds("sign-in", Wrong, "could not be confirmed", "keeps trying", "plex.tv", "tls")
	p.Plex.Clear()
	if err := p.Plex.Revoke(token); err != nil {
		t.Fatal(err)
	}
	p.StopDaemon()
	p.StartDaemon()
	p.awaitExpired()
	p.finds("sign-in", Wrong, "refused the token", "plexauthctl login")
}

// A sign-in stays at the address of plex.tv that gave it.
func TestChangedPlexURL(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.SignIn()
	p.Move("https://plex.invalid")
	p.finds("sign-in", Wrong, "the sign-in belongs to "+p.BoxURL()+", and plexauthd asks ", "set plex.url back")
	p.Move(p.BoxURL())
	p.finds("sign-in", OK, "somebody is signed in", "")
}

// awaitExpired waits until the daemon has noticed.
func (p *patient) awaitExpired() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), clienttest.Timeout)
	defer cancel()
	watch, err := p.Client().Watch(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	for event := range watch.Events {
		if event.Status.State == client.Expired {
			return
		}
	}
	p.t.Fatal(watch.Err())
}

func TestConfiguration(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	good := p.Options
	p.Config = p.write("config.toml", "[plex]\ncolour = \"red\"\n", 0o644)
	p.finds("configuration", Wrong, "config.toml:2: plex.colour", "plexauthd --check-config")
	p.finds("plex.tv", Unknown, "is not known", "", "configuration")
	p.Config = "/nowhere/config.toml"
	p.finds("configuration", Wrong, "cannot be read", "plexauthd --check-config")
	p.Options = good
	p.PlexURL = "http://plex.example"
	p.finds("configuration", Wrong, "loopback", "--plex-url")
	p.PlexURL, p.Config = "", p.write("config.toml", "[plex]\nurl = \""+good.PlexURL+"\"\n", 0o644)
	p.finds("plex.tv", OK, "answers", "")
}
