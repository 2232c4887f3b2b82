// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

func dial(t *testing.T, bus string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// start gives a box with a running daemon, and a client.
func start(t *testing.T) (*clienttest.Box, *client.Client) {
	t.Helper()
	box := clienttest.New(t, bustest.Session(t))
	box.StartDaemon()
	return box, box.Client()
}

// bounded is the test's context, ending before the test run would.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clienttest.Timeout)
	t.Cleanup(cancel)
	return ctx
}

func check[T any](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func done(t *testing.T, what string, err error) {
	t.Helper()
	check(t, what, true, err, true)
}

func TestPairing(t *testing.T) {
	_, c := start(t)
	ctx := bounded(t)

	s, err := c.State(ctx)
	check(t, "state at first", s, err, client.Status{State: client.SignedOut, AuthMode: "legacy", Version: clienttest.Version})
	user, err := c.CurrentUser(ctx)
	check(t, "user at first", user, err, client.User{})

	pin, err := c.RequestPin(ctx, client.PinOptions{})
	check(t, "link", pin.LinkURI, err, "https://plex.tv/link")
	check(t, "auth link", pin.AuthURI, nil, "https://plex.tv/link/?pin="+pin.Code)
	if left := time.Until(pin.ExpiresAt); left < 4*time.Minute || left > 5*time.Minute {
		t.Errorf("the code is good for %v", left)
	}
	s, err = c.State(ctx)
	check(t, "pairing as property", s.Pin, err, pin)
	check(t, "state while pairing", s.State, err, client.PairingNow)
	again, err := c.RequestPin(ctx, client.PinOptions{})
	check(t, "second request", again, err, pin)
	claimed, expiresAt, err := c.CheckPin(ctx, pin.ID)
	check(t, "claimed", claimed, err, false)
	check(t, "end of the code", expiresAt, err, pin.ExpiresAt)
	strong, err := c.RequestPin(ctx, client.PinOptions{Strong: true, Force: true})
	check(t, "length of a strong code", len(strong.Code), err, 25)
	picture, err := c.PinQR(ctx, client.PNG, 0)
	check(t, "PNG", bytes.HasPrefix(picture, []byte("\x89PNG")), err, true)
	picture, err = c.PinQR(ctx, client.SVG, 4)
	check(t, "SVG", bytes.HasPrefix(picture, []byte("<svg")), err, true)
	done(t, "cancelling", c.CancelPin(ctx, strong.ID))
	_, err = c.PinQR(ctx, client.PNG, 0)
	check(t, "QR code without a pairing", client.CodeOf(err), nil, client.NotFound)
}

func TestCredentials(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	token := secret.New(box.SignIn())
	valid, err := c.Validate(ctx)
	check(t, "stored token valid", valid, err, true)
	valid, err = c.ValidateToken(ctx, token)
	check(t, "token valid", valid, err, true)
	valid, err = c.ValidateToken(ctx, secret.New("made-up"))
	check(t, "made-up token valid", valid, err, false)
	held, err := c.Token(ctx)
	check(t, "token", held.Equal(token), err, true)
	user, err := c.CurrentUser(ctx)
	check(t, "name", user.Username, err, clienttest.Username)
	if user.ID == "" || user.UUID == "" || user.Title == "" || user.Email == "" || user.Thumb == "" {
		t.Errorf("the user lacks something: %+v", user)
	}

	server := client.Server{MachineID: "a1b2", URI: "https://10.0.0.2:32400"}
	done(t, "selecting a server", c.SelectServer(ctx, server))
	s, err := c.State(ctx)
	check(t, "server as property", s.SelectedServer, err, server)

	kept, err := c.StoredCredentials(ctx)
	check(t, "stored token", kept.Token.Equal(token), err, true)
	check(t, "stored server", kept.SelectedServer, nil, server)
	check(t, "stored user", []string{kept.UserID, kept.Username, kept.Email, kept.Thumb}, nil,
		[]string{user.ID, user.Username, user.Email, user.Thumb})
	kept.Username, kept.ExpiresAt = "alias", time.Unix(4102444800, 0)
	done(t, "storing", c.StoreCredentials(ctx, kept))
	stored, err := c.StoredCredentials(ctx)
	kept.Token, stored.Token = secret.String{}, secret.String{} // compared above
	check(t, "stored again", stored, err, kept)
	s, err = c.State(ctx)
	check(t, "end of the token", s.TokenExpiresAt, err, kept.ExpiresAt)

	revoked, err := c.SignOut(ctx)
	check(t, "revoked", revoked, err, true)
	done(t, "clearing", c.ClearCredentials(ctx))
	kept, err = c.StoredCredentials(ctx)
	check(t, "nothing kept", kept == (client.Credentials{}), err, true)
}

func TestHeaders(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	headers, err := c.Headers(ctx)
	check(t, "product", headers.Identity["X-Plex-Product"], err, "clienttest")
	check(t, "no token", headers.Token.IsZero(), nil, true)
	for name := range headers.All() {
		if name == "X-Plex-Token" {
			t.Error("a token header without a token")
		}
	}

	token := box.SignIn()
	headers, err = c.Headers(ctx)
	check(t, "token", headers.Token.Reveal(), err, token)
	all := map[string]string{}
	for name, value := range headers.All() {
		all[name] = value
	}
	check(t, "token among all", all["X-Plex-Token"], nil, token)
	check(t, "number of all", len(all), nil, len(headers.Identity)+1)

	kept, err := c.StoredCredentials(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", headers, kept, kept); strings.Contains(text, token) {
		t.Errorf("printing tells the token: %s", text)
	}
}

func TestServers(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	_, err := c.Servers(ctx)
	checkCode(t, "servers when signed out", err, client.AuthRequired)
	box.SignIn()
	servers, err := c.Servers(ctx)
	check(t, "servers", servers, err, []client.MediaServer{
		{MachineID: clienttest.MachineID, Name: "Living Room", Owned: true, Presence: true, URIs: []string{clienttest.ServerURI}},
	})
	account, err := c.Headers(ctx)
	check(t, "product", account.Identity["X-Plex-Product"], err, "clienttest")
	headers, err := c.ServerHeaders(ctx, clienttest.MachineID)
	check(t, "headers", headers, err, account) // an owned server takes the account's opaque token
	headers, err = c.RenewServerHeaders(ctx, clienttest.MachineID)
	check(t, "headers after a refusal", headers, err, account) // plex.tv was asked just now
	_, err = c.ServerHeaders(ctx, "no-such-server")
	checkCode(t, "unknown server", err, client.NotFound)
}

func TestHome(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	_, err := c.HomeUsers(ctx)
	checkCode(t, "users when signed out", err, client.AuthRequired)
	box.SignIn()
	alice, err := c.CurrentUser(ctx)
	check(t, "user", alice.Username, err, clienttest.Username)
	bob := box.AddHomeUser("Bob", "4711")
	users, err := c.HomeUsers(ctx)
	check(t, "users", users, err, []client.HomeUser{
		{UUID: alice.UUID, Title: alice.Title, Thumb: alice.Thumb, Admin: true},
		{UUID: bob, Title: "Bob", Thumb: "https://plex.tv/users/" + bob + "/avatar?c=1700000000", Restricted: true, Protected: true},
	})
	checkCode(t, "wrong PIN", c.SwitchUser(ctx, bob, secret.New("0000")), client.PinRejected)
	checkCode(t, "no PIN", c.SwitchUser(ctx, bob, secret.String{}), client.PinRejected)
	checkCode(t, "no such user", c.SwitchUser(ctx, "0123456789abcdef", secret.String{}), client.NotFound)
	done(t, "switching", c.SwitchUser(ctx, bob, secret.New("4711")))
	user, err := c.CurrentUser(ctx)
	check(t, "user", user.UUID, err, bob)
}

// TestEveryMemberIsCovered reads what the daemon offers, so that a member added
// there is not forgotten here.
func TestEveryMemberIsCovered(t *testing.T) {
	covered := strings.Fields(`RequestPin RequestPinWithOptions CheckPinStatus CancelPin GetPinQR GetPlexEndpoint Validate
		AuthChanged PinEnded Authenticated State Pin AuthMode TokenExpiresAt SelectedServer Version
		GetToken GetCurrentUser GetAuthHeaders GetStoredCredentials StoreCredentials ValidateToken
		ClearCredentials SignOut SelectServer ListServers GetServerHeaders RenewServerHeaders ListUsers SwitchUser`)
	var members []string
	for _, i := range bustest.Interface(t).Interfaces {
		for _, m := range i.Methods {
			members = append(members, m.Name)
		}
		for _, s := range i.Signals {
			members = append(members, s.Name)
		}
		for _, p := range i.Properties {
			members = append(members, p.Name)
		}
	}
	for _, name := range members {
		if !slices.Contains(covered, name) {
			t.Errorf("the client lacks %s", name)
		}
	}
}

// TestStaysLight keeps the daemon's own parts out of every frontend.
func TestStaysLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		host, _, outside := strings.Cut(path, "/")
		allowed := strings.HasPrefix(path, "github.com/godbus/") ||
			strings.HasPrefix(path, "github.com/retune-tv/plexauthd/dbusapi/") ||
			slices.Contains([]string{"github.com/retune-tv/plexauthd/auth/secret", "github.com/retune-tv/plexauthd/auth/status"}, path)
		if path == "net/http" || (outside && strings.Contains(host, ".") && !allowed) {
			t.Errorf("the client depends on %s", path)
		}
	}
}
