// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// plexAnswers makes plex.tv answer a question with that body from now on.
func (c *client) plexAnswers(endpoint plextvsim.Endpoint, body string) {
	c.plex.Clear()
	c.plex.Fail(plextvsim.Fault{Endpoint: endpoint, Body: body})
	c.plexTime.Advance(time.Minute)
}

// sd-bus refuses a message for one noncharacter, and any bus for what is not UTF-8:
// busctl shows what others get.
func TestTextThatCannotTravel(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	c.plexAnswers(plextvsim.Resources, `[{"clientIdentifier":"m","provides":"server","name":"Friend\uffff\u0007\ufdd0"},
		{"clientIdentifier":"n","provides":"server","name":"Den","connections":[{"uri":"http://a\ufffe"},{"uri":"http://b"}]}]`)
	out := c.box.busctl("call", names.Credentials, "ListServers")
	if !strings.Contains(out, `"Den"`) || !strings.Contains(out, "Friend") || strings.Contains(out, "http://a") || !strings.Contains(out, "http://b") {
		t.Errorf("busctl has %s", out)
	}
	c.plexAnswers(plextvsim.GetUser, `{"id":7,"title":"\ud800A\ufffe","username":"a\u0000\u200db"}`)
	c.credentials("StoreCredentials", options{"token": dbus.MakeVariant("other")}).gives("")
	user := c.currentUser()
	if user["title"].Value() != "\ufffdA\ufffd" || user["username"].Value() != "a \u200db" {
		t.Errorf("the user is %v", user)
	}
	if out := c.box.busctl("call", names.Credentials, "GetCurrentUser"); !strings.Contains(out, "username") {
		t.Errorf("busctl has %s", out)
	}
	err := c.account.Configure(c.ctx, auth.Settings{
		Mode: auth.ModeLegacy, PollInterval: time.Second, PairingTimeout: time.Minute,
		Identity: plextv.Identity{Product: "Box", DeviceName: "caf\xe9\uffff\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.headers("GetAuthHeaders")["X-Plex-Device-Name"]; got != "caf\ufffd\ufffd" {
		t.Errorf("the device's name is %q", got)
	}
	if out := c.box.busctl("call", names.Credentials, "GetAuthHeaders"); !strings.Contains(out, "Device-Name") {
		t.Errorf("busctl has %s", out)
	}
	c.plex.Clear()
	c.credentials("ValidateToken", c.heldToken()) // plex.tv takes such a name, too
}

func TestStateWithTextThatCannotTravel(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	c.box.stop()
	text, err := os.ReadFile(c.state)
	if err == nil {
		edited := strings.Replace(string(text), "Alice Liddell", `Alice\uFFFE\u0007`, 1)
		err = os.WriteFile(c.state, []byte(edited), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.plex.Fail(plextvsim.Fault{Status: 503})
	c.box.start()
	if title := c.currentUser()["title"].Value(); title != "Alice\ufffd" {
		t.Errorf("title is %q", title)
	}
}

// An account has gathered 5,000 devices, and its server is the last.
func TestLongListOfServers(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	var list strings.Builder
	for i := range 5000 {
		_, _ = fmt.Fprintf(&list, `{"clientIdentifier":"%d","provides":"server","name":"%s"},`, i, strings.Repeat("x", 300))
	}
	c.plexAnswers(plextvsim.Resources, "["+list.String()+`{"clientIdentifier":"mine","provides":"server","owned":true,"accessToken":"t"}]`)
	if got := c.headers("GetServerHeaders", "mine")["X-Plex-Token"]; got != "t" {
		t.Errorf("token %q", got)
	}
}

// One odd field costs no more than itself.
func TestOddFields(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	var list []map[string]dbus.Variant
	c.plexAnswers(plextvsim.HomeUsers, `{"id":1,"users":[null,[],{"uuid":"`+aliceUUID+`","title":{},"username":"alice","thumb":[],"protected":0}]}`)
	c.home("ListUsers").gives("aa{sv}", &list)
	if len(list) != 1 || list[0]["title"].Value() != "alice" || list[0]["thumb"].Value() != "" {
		t.Errorf("ListUsers gave %v", list)
	}
	for _, body := range []string{"null", `{"id":1,"users":null}`} {
		c.plexAnswers(plextvsim.HomeUsers, body)
		if c.home("ListUsers").gives("aa{sv}", &list); len(list) != 0 {
			t.Errorf("%s: ListUsers gave %v", body, list)
		}
	}
	c.plexAnswers(plextvsim.Resources, `[{"clientIdentifier":"m","provides":["server"],"name":7,"connections":{},"accessToken":"t"},{"provides":"player"}]`)
	c.credentials("ListServers").gives("aa{sv}", &list)
	if len(list) != 1 || list[0]["name"].Value() != "7" || c.headers("GetServerHeaders", "m")["X-Plex-Token"] != "t" {
		t.Errorf("ListServers gave %v", list)
	}
	c.plexAnswers(plextvsim.HomeUsers, `{"users":[{"id":7.0,"uuid":"u","protected":false},{"id":7,"uuid":" u ","protected":true}]}`)
	if c.home("ListUsers").gives("aa{sv}", &list); len(list) != 1 || list[0]["protected"].Value() != true {
		t.Errorf("a user listed twice is %v", list)
	}
	c.plexAnswers(plextvsim.Resources, `[]`)
	if c.credentials("ListServers").gives("aa{sv}", &list); len(list) != 1 {
		t.Errorf("one empty list is believed: %v", list)
	}
	c.plexTime.Advance(time.Minute)
	if c.credentials("ListServers").gives("aa{sv}", &list); len(list) != 0 {
		t.Errorf("a second empty list is not believed: %v", list)
	}
}

// Nobody is signed in with a token of spaces, and no code has expired when it is new.
func TestOddPins(t *testing.T) {
	c := newBox(t, setup{pollInterval: time.Hour}).client()
	for _, left := range []string{"-5", "0", `"soon"`, "{}", "null"} {
		c.plexAnswers(plextvsim.RequestPin, `{"id":" 77 ","code":" AB12 ","expiresIn":`+left+`}`)
		p := c.main("RequestPinWithOptions", options{"force": dbus.MakeVariant(true)}).pairing()
		if until := time.Until(time.Unix(p.ExpiresAt, 0)); p.Code != "AB12" || until < time.Minute {
			t.Errorf("expiresIn %s: the code %q is good for %v", left, p.Code, until)
		}
		c.plexAnswers(plextvsim.CheckPin, `{"id":77,"code":"AB12","authToken":" "}`)
		claimed, expires := true, int64(0)
		if c.main("CheckPinStatus", p.ID).gives("bx", &claimed, &expires); claimed {
			t.Error("claimed by a token of spaces")
		}
	}
	p := c.main("RequestPinWithOptions", options{}).pairing()
	c.plexAnswers(plextvsim.CheckPin, `{"authToken":" `+c.box.token+` "}`)
	c.main("CheckPinStatus", p.ID)
	c.usedBy(aliceUUID)
	if c.heldToken() != c.box.token {
		t.Error("the token has space around it")
	}
}
