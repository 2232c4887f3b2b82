// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"net/url"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// propertyTypes are the properties of the main interface.
var propertyTypes = map[string]string{
	"Authenticated": "b", "State": "s", "Pin": "(tsssx)", "AuthMode": "s",
	"TokenExpiresAt": "x", "SelectedServer": "(ss)", "Version": "s",
}

type options = map[string]dbus.Variant

func TestRequestPin(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	before := time.Now()
	p := c.requestPin()
	code := b.plex.Pins()[0].Code
	want := pairing{p.ID, code, "https://plex.tv/link", "https://plex.tv/link/?pin=" + code, p.ExpiresAt}
	if p != want || p.ID == 0 {
		t.Errorf("RequestPin gave %+v, want %+v", p, want)
	}
	if left := time.Unix(p.ExpiresAt, 0).Sub(before); left < 298*time.Second || left > 302*time.Second {
		t.Errorf("the code ends in %v, want 5 minutes", left)
	}
	if got := b.client().property("Pin"); !reflect.DeepEqual(got, p.struc()) {
		t.Errorf("Pin is %v, want %v", got, p.struc())
	}

	if again := b.client().main("RequestPin").pairing(); again != p {
		t.Errorf("a second frontend got %+v, want %+v", again, p)
	}
}

func TestRequestPinWithOptions(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	weak := c.requestPin()
	if got := c.main("RequestPinWithOptions", options{}).pairing(); got != weak {
		t.Errorf("without options: %+v, want the pairing under way, %+v", got, weak)
	}
	if got := c.main("RequestPinWithOptions", options{"strong": dbus.MakeVariant(true)}).pairing(); got != weak {
		t.Errorf("without force: %+v, want the pairing under way, %+v", got, weak)
	}
	both := options{"strong": dbus.MakeVariant(true), "force": dbus.MakeVariant(true)}
	strong := c.main("RequestPinWithOptions", both).pairing()
	public := strong // everybody can read the property, so it lacks the client identifier
	public.AuthURI = ""
	c.hearsChange(values{"Pin": public.struc()})
	c.hears(names.Main+".PinEnded", weak.ID, "cancelled")
	if strong.ID == weak.ID || len(strong.Code) != 25 {
		t.Errorf("with force and strong: %+v", strong)
	}
	start, fragment, _ := strings.Cut(strong.AuthURI, "#?")
	query, err := url.ParseQuery(fragment)
	if err != nil || start != "https://app.plex.tv/auth" {
		t.Fatalf("auth_uri is %s: %v", strong.AuthURI, err)
	}
	clientID := b.plex.Pins()[1].ClientIdentifier
	for key, want := range map[string]string{
		"code": strong.Code, "clientID": clientID,
		"context[device][product]": "Test & Box", "context[device][deviceName]": "Küche",
	} {
		if got := query.Get(key); got != want {
			t.Errorf("auth_uri has %s=%q, want %q", key, got, want)
		}
	}
}

func TestClaimedPin(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	p := c.requestPin()
	check := func() (claimed bool, expiresAt int64) {
		t.Helper()
		c.main("CheckPinStatus", p.ID).gives("bx", &claimed, &expiresAt)
		return claimed, expiresAt
	}
	if claimed, expiresAt := check(); claimed || expiresAt != p.ExpiresAt {
		t.Errorf("before the claim: %v %v", claimed, expiresAt)
	}
	if err := b.plex.Claim(p.Code, ""); err != nil {
		t.Fatal(err)
	}
	if claimed, _ := check(); !claimed || !b.onDisk("[retune_plex_auth.token]") {
		t.Error("after the claim: not claimed, or not stored")
	}
	if claimed, _ := check(); !claimed {
		t.Error("after the end of the pairing the claim is forgotten")
	}
	for _, id := range b.secrets() {
		if strings.Contains(dbus.MakeVariant(p).String(), id) {
			t.Errorf("the pairing %+v shows plex.tv's id", p)
		}
	}
}

func TestCancelPin(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	p := c.requestPin()
	c.main("CancelPin", p.ID+1).isError(names.ErrorPrefix + "NotFound")
	c.main("CancelPin", p.ID).gives("")
	c.hearsChange(values{"State": "signed-out", "Pin": noPin()})
	c.hears(names.Main+".PinEnded", p.ID, "cancelled")
	c.main("CancelPin", p.ID).isError(names.ErrorPrefix + "NotFound")
	c.main("CheckPinStatus", p.ID).isError(names.ErrorPrefix + "NotFound")
}

func TestGetPinQR(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.main("GetPinQR", "png", uint32(0)).isError(names.ErrorPrefix + "NotFound")
	for _, strong := range []bool{false, true} {
		request := options{"strong": dbus.MakeVariant(strong), "force": dbus.MakeVariant(true)}
		p := c.main("RequestPinWithOptions", request).pairing()
		var picture []byte
		c.main("GetPinQR", "png", uint32(0)).gives("ay", &picture)
		zbar := exec.CommandContext(b.ctx, "zbarimg", "--quiet", "--raw", "--nodbus", "png:-")
		zbar.Stdin, zbar.Stderr = bytes.NewReader(picture), t.Output()
		if read, err := zbar.Output(); err != nil || string(read) != p.AuthURI+"\n" {
			t.Errorf("the picture reads %q (%v), want %q", read, err, p.AuthURI)
		}
	}
	side := func(scale uint32) (side string) {
		t.Helper()
		var document []byte
		c.main("GetPinQR", "svg", scale).gives("ay", &document)
		_, rest, _ := strings.Cut(string(document), `width="`)
		side, _, _ = strings.Cut(rest, `"`)
		return side
	}
	if side(0) != side(8) || side(32) == side(8) {
		t.Errorf("sides: %s by itself, %s at 8, %s at 32", side(0), side(8), side(32))
	}
	c.main("GetPinQR", "svg", uint32(33)).isError(names.ErrInvalidArgs, "scale: 33 is more than 32")
	c.main("GetPinQR", "svg", uint32(1<<31)).isError(names.ErrInvalidArgs, "scale: ")
	c.main("GetPinQR", "gif", uint32(8)).isError(names.ErrInvalidArgs, `format: "gif" is not one of png, svg`)
}

func TestTwoFrontendsAtOnceShowTheSameCode(t *testing.T) {
	b := newBox(t, setup{})
	b.delayPlex(plextvsim.RequestPin)
	done := make(chan *dbus.Call, 2)
	one, two := b.client(), b.client()
	one.start(done, names.Main+".RequestPin")
	b.awaitDelayed(1)
	two.start(done, names.Main+".RequestPin")
	// Once the daemon waits for two callers, both have asked.
	b.awaitWatchedCallers(2)
	b.plexTime.Advance(time.Second)
	first, second := <-done, <-done
	if first.Err != nil || second.Err != nil || !reflect.DeepEqual(first.Body, second.Body) {
		t.Errorf("one got %v %v, the other %v %v", first.Body, first.Err, second.Body, second.Err)
	}
	if pins := len(b.plex.Pins()); pins != 1 {
		t.Errorf("plex.tv was asked for %d PINs", pins)
	}
}

func TestValidate(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.main("Validate").isError(names.ErrorPrefix + "AuthRequired")
	c.signIn(b.token)
	validate := func(want bool) {
		t.Helper()
		var valid bool
		if c.main("Validate").gives("b", &valid); valid != want {
			t.Errorf("Validate gave %v, want %v", valid, want)
		}
	}
	validate(true)
	for _, status := range []int{403, 422} {
		// Not once: the daemon asks by itself, too.
		b.plex.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: status})
		validate(false)
		b.plex.Clear()
	}
	if err := b.plex.Revoke(b.token); err != nil {
		t.Fatal(err)
	}
	validate(false)
}

func TestGetPlexEndpoint(t *testing.T) {
	b := newBox(t, setup{})
	var endpoint options
	b.client().main("GetPlexEndpoint").gives("a{sv}", &endpoint)
	want := options{"url": dbus.MakeVariant(b.server.URL), "proxy": dbus.MakeVariant("http://proxy:3128"), "proxy_user": dbus.MakeVariant(true)}
	if !reflect.DeepEqual(endpoint, want) {
		t.Errorf("%v, want %v", endpoint, want)
	}
}
