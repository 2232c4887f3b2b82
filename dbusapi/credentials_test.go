// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// types gives the type of each value.
func types(dictionary map[string]dbus.Variant) map[string]string {
	found := map[string]string{}
	for key, value := range dictionary {
		found[key] = value.Signature().String()
	}
	return found
}

func TestSignedOut(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.credentials("GetToken").isError(names.ErrorPrefix + "AuthRequired")
	c.credentials("SelectServer", "id", "https://10.0.0.2:32400").isError(names.ErrorPrefix + "AuthRequired")
	for _, member := range []string{"GetCurrentUser", "GetStoredCredentials"} {
		var empty map[string]dbus.Variant
		if c.credentials(member).gives("a{sv}", &empty); len(empty) != 0 {
			t.Errorf("%s gave %v", member, empty)
		}
	}
	var headers map[string]string
	c.credentials("GetAuthHeaders").gives("a{ss}", &headers)
	if _, ok := headers["X-Plex-Token"]; ok || headers["Accept"] != "application/json" {
		t.Errorf("GetAuthHeaders gave %v", headers)
	}
	revoked := true
	if c.credentials("SignOut").gives("b", &revoked); revoked {
		t.Error("SignOut revoked the token of nobody")
	}
	c.credentials("ClearCredentials").gives("")
}

func TestReadCredentials(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	var token string
	if c.credentials("GetToken").gives("s", &token); token != b.token {
		t.Errorf("GetToken gave %q", token)
	}
	var user, stored map[string]dbus.Variant
	c.credentials("GetCurrentUser").gives("a{sv}", &user)
	if want := (map[string]string{
		"id": "s", "uuid": "s", "username": "s", "title": "s", "email": "s", "thumb": "s", "home_admin": "b", "restricted": "b",
	}); !reflect.DeepEqual(types(user), want) {
		t.Errorf("GetCurrentUser has %v, want %v", types(user), want)
	}
	if user["username"].Value() != "alice" || user["title"].Value() != "Alice Liddell" || user["home_admin"].Value() != true {
		t.Errorf("GetCurrentUser gave %v", user)
	}
	c.credentials("GetStoredCredentials").gives("a{sv}", &stored)
	if want := (map[string]string{
		"token": "s", "user_id": "s", "username": "s", "email": "s", "thumb": "s", "issued_at": "x", "expires_at": "x",
		"selected_server_id": "s", "selected_server_uri": "s",
	}); !reflect.DeepEqual(types(stored), want) {
		t.Errorf("GetStoredCredentials has %v, want %v", types(stored), want)
	}
	issued, _ := stored["issued_at"].Value().(int64)
	if stored["token"].Value() != b.token || time.Since(time.Unix(issued, 0)).Abs() > patience {
		t.Errorf("GetStoredCredentials was issued at %v", stored["issued_at"])
	}
	var headers map[string]string
	c.credentials("GetAuthHeaders").gives("a{ss}", &headers)
	request := b.plex.Requests()[0].Header
	if len(headers) < 9 {
		t.Errorf("GetAuthHeaders gave %v", headers)
	}
	for name, value := range headers { // the daemon itself sends the same
		if request.Get(name) != value {
			t.Errorf("GetAuthHeaders has %s=%q, the daemon sends %q", name, value, request.Get(name))
		}
	}
	if headers["X-Plex-Token"] != b.token || headers["X-Plex-Device-Name"] != "Küche" {
		t.Errorf("GetAuthHeaders gave %v", headers)
	}
}

// badCredentials are changes to good ones, with the error of each.
var badCredentials = []struct {
	change map[string]any
	error  string
	texts  []string
}{
	{map[string]any{"token": "unknown-to-plex"}, names.ErrorPrefix + "AuthInvalid", nil},
	{map[string]any{"token": ""}, names.ErrInvalidArgs, []string{"token"}},
	{map[string]any{"token": strings.Repeat("x", 10<<10)}, names.ErrInvalidArgs, []string{"token"}},
	{map[string]any{"token": strings.Repeat("x", 1<<20)}, names.ErrInvalidArgs, []string{"credentials: is longer"}},
	{map[string]any{"token": "line\nbreak"}, names.ErrInvalidArgs, []string{"token"}},
	{map[string]any{"token": uint32(1)}, names.ErrInvalidArgs, []string{"credentials", "token", "type u"}},
	{map[string]any{"user_id": "77"}, names.ErrInvalidArgs, []string{"user_id"}},
	{map[string]any{"username": "bell\a"}, names.ErrInvalidArgs, []string{"username"}},
	{map[string]any{"issued_at": int64(-1)}, names.ErrInvalidArgs, []string{"issued_at"}},
	{map[string]any{"expires_at": int64(math.MaxInt64)}, names.ErrInvalidArgs, []string{"expires_at"}},
	{map[string]any{"expires_at": int64(math.MinInt64)}, names.ErrInvalidArgs, []string{"expires_at"}},
	{map[string]any{"expires_at": "tomorrow"}, names.ErrInvalidArgs, []string{"expires_at", "type s"}},
	{map[string]any{"selected_server_uri": "ftp://10.0.0.2"}, names.ErrInvalidArgs, []string{"selected_server_uri"}},
}

func TestStoreCredentials(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	all := map[string]dbus.Variant{
		"token": dbus.MakeVariant(b.token), "user_id": dbus.MakeVariant("1000001"), "username": dbus.MakeVariant("al"),
		"email": dbus.MakeVariant("al@example.org"), "thumb": dbus.MakeVariant("https://example.org/al.png"),
		"issued_at": dbus.MakeVariant(int64(1_700_000_000)), "expires_at": dbus.MakeVariant(int64(4_000_000_000)),
		"selected_server_id": dbus.MakeVariant("machine"), "selected_server_uri": dbus.MakeVariant("https://10.0.0.2:32400"),
	}
	c.credentials("StoreCredentials", all).gives("")
	c.hearsChange(values{
		"Authenticated": true, "State": "signed-in", "TokenExpiresAt": int64(4_000_000_000),
		"SelectedServer": []any{"machine", "https://10.0.0.2:32400"},
	})
	c.hearsAuth(true, "signed-in")
	var stored map[string]dbus.Variant
	if c.credentials("GetStoredCredentials").gives("a{sv}", &stored); !reflect.DeepEqual(stored, all) {
		t.Errorf("stored %v, got %v", all, stored)
	}

	// Whatever is wrong, the old credentials stay.
	for _, bad := range badCredentials {
		given := map[string]dbus.Variant{}
		for key, value := range all {
			given[key] = value
		}
		for key, value := range bad.change {
			given[key] = dbus.MakeVariant(value)
		}
		c.credentials("StoreCredentials", given).isError(bad.error, bad.texts...)
		if c.credentials("GetStoredCredentials").gives("a{sv}", &stored); !reflect.DeepEqual(stored, all) {
			t.Errorf("after %v: %v", bad.change, stored)
		}
	}
	c.credentials("StoreCredentials", map[string]dbus.Variant{"username": dbus.MakeVariant("al")}).
		isError(names.ErrInvalidArgs, "token")
}

// TestNumbersOfAnyType has callers send times and booleans as their language has them.
func TestNumbersOfAnyType(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	store := func(issued, expires any) reply {
		return c.credentials("StoreCredentials", options{
			"token": dbus.MakeVariant(b.token), "issued_at": dbus.MakeVariant(issued), "expires_at": dbus.MakeVariant(expires),
		})
	}
	for _, ends := range []any{int32(2_000_000_000), uint32(4_000_000_000), int64(4_000_000_000), uint64(4_000_000_000), 4_000_000_000.0, "4000000000"} {
		for _, begins := range []any{byte(7), int16(7), uint16(7), int32(7), uint32(7), int64(7), uint64(7), 7.0, "7"} {
			store(begins, ends).gives("")
			var stored options
			c.credentials("GetStoredCredentials").gives("a{sv}", &stored)
			want := int64(4_000_000_000)
			if _, short := ends.(int32); short {
				want = 2_000_000_000
			}
			if stored["issued_at"].Value() != int64(7) || stored["expires_at"].Value() != want {
				t.Errorf("%T and %T are stored as %v", begins, ends, stored)
			}
		}
	}
	for _, wrong := range []any{true, "", "7.5", "7 ", "soon", 7.5, math.NaN(), math.Inf(1), 1e30, -1e30, uint64(math.MaxUint64), int16(-7), []byte{7}} {
		store(wrong, 0).isError(names.ErrInvalidArgs, "issued_at")
		store(0, wrong).isError(names.ErrInvalidArgs, "expires_at")
	}
	for _, c := range []struct {
		strong any
		long   bool
	}{{1, true}, {"1", true}, {uint64(0), false}} {
		var code string
		b.client().main("RequestPinWithOptions", options{"strong": dbus.MakeVariant(c.strong), "force": dbus.MakeVariant(uint32(1))}).
			gives("tsssx", new(uint64), &code)
		if long := len(code) > 4; long != c.long {
			t.Errorf("strong as %T %v gave the code %s", c.strong, c.strong, code)
		}
	}
}

func TestStoreCredentialsIgnoresKeysOfTheFuture(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.credentials("StoreCredentials", map[string]dbus.Variant{
		"token": dbus.MakeVariant(b.token), "refresh_token": dbus.MakeVariant([]string{"x"}),
	}).gives("")
}

func TestValidateToken(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	bob := b.plex.AddUser(plextvsim.User{Username: "bob"})
	c.signIn(b.token)
	for token, want := range map[string]bool{bob: true, "unknown-to-plex": false} {
		var valid bool
		if c.credentials("ValidateToken", token).gives("b", &valid); valid != want {
			t.Errorf("ValidateToken gave %v, want %v", valid, want)
		}
	}
	var token string
	if c.credentials("GetToken").gives("s", &token); token != b.token || c.property("State") != "signed-in" {
		t.Error("ValidateToken has changed what is stored")
	}
}

func TestClearAndSignOut(t *testing.T) {
	for member, wantSignature := range map[string]string{"ClearCredentials": "", "SignOut": "b"} {
		t.Run(member, func(t *testing.T) {
			b := newBox(t, setup{})
			c := b.client()
			c.signIn(b.token)
			c.credentials("SelectServer", "machine", "http://10.0.0.2:32400").gives("")
			c.hearsChange(values{"SelectedServer": []any{"machine", "http://10.0.0.2:32400"}})
			answer := c.credentials(member)
			answer.gives(wantSignature)
			c.hearsChange(values{"Authenticated": false, "State": "signed-out", "SelectedServer": []any{"", ""}})
			c.hearsAuth(false, "signed-out")
			if b.onDisk(b.token) {
				t.Error("the token is still on disk")
			}
			var valid bool
			c.credentials("ValidateToken", b.token).gives("b", &valid)
			if wantValid := member == "ClearCredentials"; valid != wantValid {
				t.Errorf("the token is good at plex.tv: %v, want %v", valid, wantValid)
			}
			if member == "SignOut" && answer.Body[0] != true {
				t.Error("SignOut says that the token was not revoked")
			}
		})
	}
}

func TestSignOutWithoutPlex(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	b.plex.Fail(plextvsim.Fault{Status: 503})
	revoked := true
	if c.credentials("SignOut").gives("b", &revoked); revoked || b.onDisk(b.token) {
		t.Errorf("revoked %v, token on disk %v", revoked, b.onDisk(b.token))
	}
}

func TestSelectServer(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.signIn(b.token)
	chosen := []any{"machine", "https://10-0-0-2.abc.plex.direct:32400"}
	c.credentials("SelectServer", chosen...).gives("")
	c.hearsChange(values{"SelectedServer": chosen})
	c.credentials("SelectServer", chosen...).gives("") // no change, no signal
	c.credentials("SelectServer", "machine", "javascript:alert(1)").isError(names.ErrInvalidArgs, "uri")
	c.credentials("SelectServer", "bell\a", chosen[1]).isError(names.ErrInvalidArgs, "machine_id")
	if got := c.property("SelectedServer"); !reflect.DeepEqual(got, chosen) || !b.onDisk("plex.direct") {
		t.Errorf("SelectedServer is %v, want %v, on disk %v", got, chosen, b.onDisk("plex.direct"))
	}
	c.credentials("SelectServer", "", "").gives("")
	c.hearsChange(values{"SelectedServer": []any{"", ""}})
}
