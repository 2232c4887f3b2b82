// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// A token belongs to the address of plex.tv that gave it.
func TestPlexURLChangesAndComesBack(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	here, there := b.Plex.URL, plextvsim.New(plextvsim.Options{})
	other := there.StartTLS()
	t.Cleanup(other.Close)
	b.Write("ca.pem", string(b.Plex.CAPEM())+string(other.CAPEM()))
	at := func(url string) string { return "[plex]\nurl = \"" + url + "\"\n" }
	start := func() *daemontest.Process {
		p := b.Exec(exec.Command(b.Program, "--bus", b.Bus.Address, "--state", b.State, "--config", b.Path("config.toml")))
		b.AwaitNote("READY=1")
		return p
	}
	b.Configure(at(here))
	p, f := start(), b.Frontend()
	token := b.SignIn(f)

	if note := p.Reload(at(other.URL)); !strings.Contains(note, "plex.url has changed: the sign-in belongs to "+here) {
		t.Errorf("the status says %q", note)
	}
	if told := f.Await("AuthChanged"); told.Body[0] != false {
		t.Errorf("AuthChanged says %v", told.Body)
	}
	f.MustFail("AuthRequired", "Credentials.GetToken")
	f.MustFail("AuthRequired", "Validate")
	_, code := f.RequestPin()
	if err := there.Claim(code, there.AddUser(plextvsim.User{})); err != nil {
		t.Fatal(err)
	}
	f.Await("AuthChanged")
	second := f.Token()
	p.End()
	p = start()
	f.MustHold(second)

	p.Reload(at(here))
	if told := f.Await("AuthChanged"); told.Body[0] != true {
		t.Errorf("AuthChanged says %v", told.Body)
	}
	f.MustHold(token)
	hasNotSeen(t, there, token)
	hasNotSeen(t, b.Sim, second)
}

// hasNotSeen checks that plex.tv was never asked with the token of another address.
func hasNotSeen(t *testing.T, plex *plextvsim.Sim, token string) {
	t.Helper()
	for _, r := range plex.Requests() {
		if r.Header.Get("X-Plex-Token") == token {
			t.Errorf("%s was asked with the token of the other address", r.Path)
		}
	}
}
