// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
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
	ada := b.Ada()
	server := b.Sim.MediaServer(daemontest.MachineID).Start()
	t.Cleanup(server.Close)
	b.Configure("[auth]\nmode = \"jwt\"\n")
	p := b.Start()
	f := b.Frontend()
	token := b.SignInAs(f, ada)
	if !isJWT(token) || f.Property("AuthMode") != "jwt" || f.Property("TokenExpiresAt") == int64(0) {
		t.Errorf("signed in with a device key: a JWT %v, mode %v, ends %v", isJWT(token), f.Property("AuthMode"), f.Property("TokenExpiresAt"))
	}
	p.End()
	p = b.Start()
	f.MustBeValid()
	f.MustHold(token)
	var headers map[string]string
	if err := f.Call("Credentials.GetServerHeaders", daemontest.MachineID).Store(&headers); err != nil {
		t.Fatal(err)
	}
	if own, account := libraries(t, server, headers["X-Plex-Token"]), libraries(t, server, token); own != 200 || account != 401 {
		t.Errorf("the media server answers its own token with %d and the account's with %d", own, account)
	}

	if says := p.Reload("[auth]\nmode = \"legacy\"\n"); !strings.Contains(says, "auth.mode is legacy, but the token is bound to a device key") {
		t.Errorf("the status says %q", says)
	}
	if f.Property("AuthMode") != "jwt" || f.Token() != token {
		t.Error("the reload has changed the token")
	}
	if err := f.Call("Credentials.SignOut").Err; err != nil {
		t.Fatal(err)
	}
	f.Await("AuthChanged")
	if token := b.SignInAs(f, ada); isJWT(token) || f.Property("AuthMode") != "legacy" {
		t.Errorf("signed in again: a JWT %v, mode %v", isJWT(token), f.Property("AuthMode"))
	}
}

// A box that is signed in needs nobody to move over.
func TestReloadMovesOverToADeviceKey(t *testing.T) {
	b := newBox(t)
	p := b.Start() // mode legacy
	f := b.Frontend()
	opaque := b.SignInAs(f, b.Ada())
	p.Reload("[auth]\nmode = \"jwt\"\n")
	f.AwaitProperty("AuthMode", "jwt")
	valid := true
	if err := f.Call("Credentials.ValidateToken", opaque).Store(&valid); err != nil || valid || !isJWT(f.Token()) {
		t.Errorf("the opaque token is good: %v (%v); the box has a JWT: %v", valid, err, isJWT(f.Token()))
	}
	p.End()
	b.Start()
	f.MustBeValid()
}
