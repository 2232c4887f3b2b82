// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// What the sessions in the README and plexauthd(8) say of Ada, who has a media
// server and a home.
const (
	adasUUID  = "0a1b2c3d4e5f6071"
	machineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69"
	bobsPIN   = "4711"
)

// ada makes Ada an account and returns a token of hers.
func (b *box) ada() (token string) {
	b.t.Helper()
	resources := plextvsim.SampleResources()[:1]
	resources[0].ClientIdentifier = machineID
	token = b.sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada", UUID: adasUUID, Resources: resources})
	for _, user := range []plextvsim.User{
		{Username: "kim", Title: "Kim", UUID: "1b2c3d4e5f607182", Restricted: true},
		{Username: "bob", Title: "Bob", UUID: "2c3d4e5f60718293", Restricted: true, PIN: bobsPIN},
	} {
		if _, err := b.sim.AddHomeUser(token, user); err != nil {
			b.t.Fatal(err)
		}
	}
	return token
}

// signInAs pairs the box as the person who has that token, and returns the box's.
func (b *box) signInAs(f *frontend, person string) (token string) {
	b.t.Helper()
	_, code := f.requestPin()
	if err := b.sim.Claim(code, person); err != nil {
		b.t.Fatal(err)
	}
	f.await("AuthChanged")
	return f.token()
}

func (f *frontend) token() (token string) {
	f.t.Helper()
	if err := f.call("Credentials.GetToken").Store(&token); err != nil {
		f.t.Fatal(err)
	}
	return token
}

func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// configure writes the configuration and returns its path.
func (b *box) configure(text string) (file string) {
	b.t.Helper()
	file = filepath.Join(b.dir, "config.toml")
	write(b.t, file, text)
	return file
}

// reload has the daemon read this configuration, and gives what it says then.
func (p *process) reload(text string) (note string) {
	p.box.t.Helper()
	p.box.configure(text)
	p.signal(syscall.SIGHUP)
	p.box.awaitNote("RELOADING=1")
	return p.box.awaitNote("READY=1")
}

// libraries asks the media server for its libraries and returns the status.
func libraries(t *testing.T, server *plextvsim.Server, token string) int {
	t.Helper()
	answer, err := http.Get(server.URL + "/library/sections?X-Plex-Token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func TestSignInWithADeviceKey(t *testing.T) {
	b := newBox(t)
	ada := b.ada()
	server := b.sim.MediaServer(machineID).Start()
	t.Cleanup(server.Close)
	config := b.configure("[auth]\nmode = \"jwt\"\n")
	p := b.start("--config", config)
	f := b.frontend()
	token := b.signInAs(f, ada)
	if !isJWT(token) || f.property("AuthMode") != "jwt" || f.property("TokenExpiresAt") == int64(0) {
		t.Errorf("signed in with a device key: a JWT %v, mode %v, ends %v", isJWT(token), f.property("AuthMode"), f.property("TokenExpiresAt"))
	}
	p.kill()
	p = b.start("--config", config)
	valid := false
	if err := f.call("Validate").Store(&valid); err != nil || !valid || f.token() != token {
		t.Errorf("after a restart the token is another one, or not valid: %v, %v", valid, err)
	}
	var headers map[string]string
	if err := f.call("Credentials.GetServerHeaders", machineID).Store(&headers); err != nil {
		t.Fatal(err)
	}
	if own, account := libraries(t, server, headers["X-Plex-Token"]), libraries(t, server, token); own != 200 || account != 401 {
		t.Errorf("the media server answers its own token with %d and the account's with %d", own, account)
	}

	if says := p.reload("[auth]\nmode = \"legacy\"\n"); !strings.Contains(says, "auth.mode is legacy, but the token is bound to a device key") {
		t.Errorf("the status says %q", says)
	}
	if f.property("AuthMode") != "jwt" || f.token() != token {
		t.Error("the reload has changed the token")
	}
	if err := f.call("Credentials.SignOut").Err; err != nil {
		t.Fatal(err)
	}
	f.await("AuthChanged")
	if token := b.signInAs(f, ada); isJWT(token) || f.property("AuthMode") != "legacy" {
		t.Errorf("signed in again: a JWT %v, mode %v", isJWT(token), f.property("AuthMode"))
	}
}

// A box that is signed in needs nobody to move over.
func TestReloadMovesOverToADeviceKey(t *testing.T) {
	b := newBox(t)
	p := b.start("--config", b.configure("[auth]\nmode = \"legacy\"\n"))
	f := b.frontend()
	opaque := b.signInAs(f, b.ada())
	p.reload("[auth]\nmode = \"jwt\"\n")
	for f.property("AuthMode") != "jwt" {
		f.await("PropertiesChanged")
	}
	valid := true
	if err := f.call("Credentials.ValidateToken", opaque).Store(&valid); err != nil || valid || !isJWT(f.token()) {
		t.Errorf("the opaque token is good: %v (%v); the box has a JWT: %v", valid, err, isJWT(f.token()))
	}
	p.kill()
	b.start("--config", filepath.Join(b.dir, "config.toml"))
	if err := f.call("Validate").Store(&valid); err != nil || !valid {
		t.Errorf("after a restart the token is good: %v (%v)", valid, err)
	}
}
