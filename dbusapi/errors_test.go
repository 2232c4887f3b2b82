// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestErrorsOfPlex(t *testing.T) {
	portal := plextvsim.CaptivePortal()
	for _, plex := range []struct {
		name, want string
		fault      plextvsim.Fault
	}{
		{"too many requests", "RateLimited", plextvsim.Fault{Status: 429}},
		{"come back in an hour", "RateLimited", plextvsim.Fault{Status: 429, RetryAfter: "3600"}},
		{"reset", "Unreachable", plextvsim.Fault{Reset: true}},
		{"fault", "ServerError", plextvsim.Fault{Status: 503}},
		{"captive portal", "InvalidResponse", portal},
		{"cut off", "InvalidResponse", plextvsim.Fault{CutOff: true}},
	} {
		t.Run(plex.name, func(t *testing.T) {
			b := newBox(t, setup{})
			c := b.client()
			c.signIn(b.token)
			p := c.main("RequestPin").pairing()
			b.plex.Fail(plex.fault)
			want := names.ErrorPrefix + plex.want
			c.main("RequestPinWithOptions", options{"force": dbus.MakeVariant(true)}).isError(want)
			c.main("CheckPinStatus", p.ID).isError(want)
			c.main("Validate").isError(want)
			c.credentials("ValidateToken", b.token).isError(want)
			c.credentials("StoreCredentials", options{"token": dbus.MakeVariant(b.token)}).isError(want)
			c.credentials("ListServers").isError(want)
			c.credentials("GetServerHeaders", machineID).isError(want)
			c.credentials("RenewServerHeaders", machineID).isError(want)
			c.home("ListUsers").isError(want)
			c.home("SwitchUser", aliceUUID, "").isError(want)
			if state := c.property("State"); state != "signed-in" {
				t.Errorf("State is %v", state)
			}
		})
	}
}

func TestStorageFails(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	p := c.main("RequestPin").pairing()
	c.hearsChange(values{"Pin": p.struc()})
	b.breakStorage()
	const failed = names.ErrorPrefix + "StorageFailed"
	c.main("RequestPinWithOptions", options{"force": dbus.MakeVariant(true)}).isError(failed)
	c.main("CancelPin", p.ID).isError(failed)
	c.credentials("StoreCredentials", options{"token": dbus.MakeVariant(b.token), "email": dbus.MakeVariant("x")}).isError(failed)
	c.credentials("SelectServer", "machine", "http://10.0.0.2:32400").isError(failed)
	b.mendStorage()
	c.credentials("SelectServer", "machine", "http://10.0.0.2:32400").gives("")
	// The first change that was kept is the first to be heard of.
	c.hearsChange(values{"SelectedServer": []any{"machine", "http://10.0.0.2:32400"}})
	b.breakStorage()
	if err := b.plex.Claim(p.Code, ""); err != nil {
		t.Fatal(err)
	}
	c.main("CheckPinStatus", p.ID).isError(failed)
	var token string
	if c.credentials("GetToken").gives("s", &token); token != b.token {
		t.Error("the token has changed though it could not be stored")
	}
}

// brittle is an account with a bug.
type brittle struct{ dbusapi.Account }

func (b brittle) Token() (secret.String, error) {
	panic("holding " + b.Account.Snapshot().Headers["X-Plex-Token"])
}

func TestPanicIsAnErrorOfThatCallAlone(t *testing.T) {
	b := newBox(t, setup{wrap: func(a dbusapi.Account) dbusapi.Account { return brittle{a} }})
	c := b.client()
	c.signIn(b.token)
	answer := c.credentials("GetToken")
	answer.isError(names.ErrFailed, "GetToken")
	if text := answer.Err.Error(); text != "the daemon failed to answer GetToken" {
		t.Errorf("the error says %q", text)
	}
	c.main("Validate").gives("b")
}
