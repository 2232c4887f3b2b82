// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// edit has somebody edit the state file while the daemon is stopped.
func (b *box) edit(old, changed string) {
	b.t.Helper()
	b.stop()
	text, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	edited := strings.Replace(string(text), old, changed, 1)
	if edited == string(text) {
		b.t.Fatalf("no %q in the state", old)
	}
	if err := os.WriteFile(b.state, []byte(edited), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.start()
}

func (b *box) noneSetAside() {
	b.t.Helper()
	if aside, err := filepath.Glob(b.state + ".corrupt-*"); err != nil || aside != nil {
		b.t.Errorf("set aside: %q (%v)", aside, err)
	}
}

func TestANumberInTheStateIsReadAsItsText(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	c.credentials("SelectServer", "4711", "https://10.0.0.2:32400").gives("")
	b.edit(`selected_server_id = "4711"`, "selected_server_id = 4242")
	c = b.client()
	var stored map[string]dbus.Variant
	c.credentials("GetStoredCredentials").gives("a{sv}", &stored)
	if stored["token"].Value() != b.token || stored["selected_server_id"].Value() != "4242" {
		t.Errorf("GetStoredCredentials gave the server %v", stored["selected_server_id"])
	}
	b.noneSetAside()
}

func TestAnEmptyTokenInTheStateIsSignedOut(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	b.edit(b.token, "")
	c = b.client()
	c.credentials("GetToken").isError(names.ErrorPrefix + "AuthRequired")
	if state, problem := c.property("State"), b.account.Snapshot().StorageProblem; state != "signed-out" || problem != "" {
		t.Errorf("State is %v, with the problem %q", state, problem)
	}
	b.noneSetAside()
	c.signIn(b.token)
}

func TestSigningOutNeedsNoDisk(t *testing.T) {
	for member, signature := range map[string]string{"ClearCredentials": "", "SignOut": "b"} {
		t.Run(member, func(t *testing.T) {
			b := newBox(t, setup{})
			c := b.client()
			c.signIn(b.token)
			b.breakStorage()
			c.credentials("SelectServer", "4711", "https://10.0.0.2:32400").isError(names.ErrorPrefix + "StorageFailed")
			c.credentials(member).gives(signature)
			if state := c.property("State"); state != "signed-out" {
				t.Errorf("State is %v", state)
			}
			c.credentials("GetToken").isError(names.ErrorPrefix + "AuthRequired")
			if n := b.plex.Count(plextvsim.SignOut); n != 1 { // the disk has the token still
				t.Errorf("plex.tv was asked %d times to revoke it", n)
			}
			c.credentials("ClearCredentials").gives("")
			b.mendStorage()
			c.credentials("ClearCredentials").gives("")
		})
	}
}
