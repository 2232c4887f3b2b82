// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const bobsPIN = "4711"

// holdsPIN tells whether the text has these digits on their own: numbers, times
// and identifiers have them by chance.
func holdsPIN(text, pin string) bool {
	return regexp.MustCompile(`(^|[^\w.-])` + pin + `([^\w.-]|$)`).MatchString(text)
}

// withHome adds Bob, who is protected, and Kim, a managed user, to Alice's home.
func (b *box) withHome() (bob, kim string) {
	b.t.Helper()
	for uuid, user := range map[*string]plextvsim.User{
		&bob: {Username: "bob", Title: "Bob", PIN: bobsPIN}, &kim: {Username: "kim", Title: "Kim", Restricted: true},
	} {
		var err error
		if *uuid, err = b.plex.AddHomeUser("", user); err != nil {
			b.t.Fatal(err)
		}
	}
	return bob, kim
}

func (c *client) currentUser() (user map[string]dbus.Variant) {
	c.t.Helper()
	c.credentials("GetCurrentUser").gives("a{sv}", &user)
	return user
}

// usedBy fails the test unless that user has the box and plex.tv takes the token.
func (c *client) usedBy(uuid string) {
	c.t.Helper()
	valid := false
	c.credentials("ValidateToken", c.heldToken()).gives("b", &valid)
	if user := c.currentUser(); user["uuid"].Value() != uuid || !valid {
		c.t.Errorf("%v uses the box, want %s; the token is good: %v", user, uuid, valid)
	}
}

func TestListUsers(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		bob, kim := c.withHome()
		var list []map[string]dbus.Variant
		c.home("ListUsers").gives("aa{sv}", &list)
		users := map[string]map[string]dbus.Variant{}
		for _, user := range list {
			users[user["uuid"].Value().(string)] = user
			want := map[string]string{
				"uuid": "s", "title": "s", "thumb": "s", "admin": "b", "guest": "b", "restricted": "b", "protected": "b",
			}
			if got := types(user); !reflect.DeepEqual(got, want) {
				c.t.Errorf("ListUsers has %v, want %v", got, want)
			}
		}
		for uuid, want := range map[string][]any{
			aliceUUID: {"Alice Liddell", true, false, false, false},
			bob:       {"Bob", false, false, false, true},
			kim:       {"Kim", false, false, true, false},
		} {
			u := users[uuid]
			got := []any{u["title"].Value(), u["admin"].Value(), u["guest"].Value(), u["restricted"].Value(), u["protected"].Value()}
			if !reflect.DeepEqual(got, want) {
				c.t.Errorf("title, admin, guest, restricted, protected: %v, want %v", got, want)
			}
		}
		if len(list) != 3 {
			c.t.Errorf("ListUsers gave %v", list)
		}
	})
}

func TestHomeOfNobody(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.home("ListUsers").isError(names.ErrorPrefix + "AuthRequired")
	c.home("SwitchUser", aliceUUID, "").isError(names.ErrorPrefix + "AuthRequired")
}

// Kim takes over from Alice, who gets the box back with what was hers.
func TestSwitchUser(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		_, kim := c.withHome()
		chosen, none := []any{machineID, "https://10.0.0.2:32400"}, []any{"", ""}
		c.credentials("SelectServer", chosen...).gives("")
		c.hearsChange(values{"SelectedServer": chosen})
		alices, ends := c.heldToken(), c.property("TokenExpiresAt").(int64)
		toKim, toAlice := values{"SelectedServer": none}, values{"SelectedServer": chosen}
		if ends != 0 { // Kim's token is no device key's
			toKim["TokenExpiresAt"], toAlice["TokenExpiresAt"] = int64(0), ends
		}

		c.home("SwitchUser", kim, "").gives("")
		c.hearsChange(toKim)
		c.hearsAuth(true, "user-switched")
		c.usedBy(kim)
		kims := c.heldToken()
		if kims == alices || c.currentUser()["restricted"].Value() != true || c.headers("GetAuthHeaders")["X-Plex-Token"] != kims {
			c.t.Error("Kim has not got a token of her own")
		}
		if got := c.libraries(c.mediaServer(machineID), c.headers("GetServerHeaders", machineID)); got != 200 {
			c.t.Errorf("the home's media server answers Kim with %d", got)
		}
		c.credentials("GetServerHeaders", friendsID).isError(names.ErrorPrefix + "NotFound") // it is Alice's friend

		c.home("SwitchUser", aliceUUID, "").gives("")
		c.hearsChange(toAlice)
		c.hearsAuth(true, "user-switched")
		c.usedBy(aliceUUID)
		if c.heldToken() != alices {
			c.t.Error("Alice's own token is not in use again")
		}
		c.home("SwitchUser", aliceUUID, "").gives("") // no change, no signal
		c.home("SwitchUser", kim, "").gives("")
		c.hearsChange(toKim)
		c.restart()
		c.usedBy(kim)
		c.home("SwitchUser", aliceUUID, "").gives("")
		c.usedBy(aliceUUID)
	})
}

// plex.tv has let clients in that sent no PIN at all.
func TestPIN(t *testing.T) {
	bothModes(t, plextvsim.Options{LetInWithoutPIN: true}, func(c *client) {
		bob, _ := c.withHome()
		const rejected = names.ErrorPrefix + "PinRejected"
		c.home("SwitchUser", bob, "").isError(rejected)
		c.home("SwitchUser", bob, "0000").isError(rejected)
		c.usedBy(aliceUUID)
		c.home("SwitchUser", bob, bobsPIN).gives("")
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "user-switched")
		c.usedBy(bob)
		c.home("SwitchUser", aliceUUID, "").gives("") // who is not protected needs none
	})
}

func TestTooManyWrongPINs(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	bob, kim := c.withHome()
	for range 3 {
		c.home("SwitchUser", bob, "0000").isError(names.ErrorPrefix + "PinRejected")
	}
	tried := c.plex.Count(plextvsim.SwitchUser)
	for _, pin := range []string{"0000", bobsPIN} {
		c.home("SwitchUser", bob, pin).isError(names.ErrorPrefix+"RateLimited", "try again in ")
	}
	c.restart()
	c.home("SwitchUser", bob, bobsPIN).isError(names.ErrorPrefix+"RateLimited", "try again in ")
	if c.plex.Count(plextvsim.SwitchUser) != tried {
		t.Error("plex.tv was asked during the pause")
	}
	for _, pin := range []string{"", "0000"} { // no right PIN ends the pause
		c.home("SwitchUser", kim, pin).gives("")
		c.home("SwitchUser", bob, bobsPIN).isError(names.ErrorPrefix + "RateLimited")
	}
	c.plexTime.Advance(31 * time.Second)
	c.home("SwitchUser", bob, bobsPIN).gives("")
	c.usedBy(bob)
}

func TestWrongUsers(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	bob, _ := c.withHome()
	c.home("SwitchUser", "0123456789abcdef", "").isError(names.ErrorPrefix + "NotFound")
	c.home("SwitchUser", "../../user", "").isError(names.ErrorPrefix + "NotFound")
	c.home("SwitchUser", "", "").isError(names.ErrInvalidArgs, "uuid")
	c.home("SwitchUser", bobsPIN, bob).isError(names.ErrInvalidArgs, "pin: is not 4 digits") // the wrong way round
	for _, pin := range []string{"471", "47110", "47 1", "4711\n", "４７１１"} {
		c.home("SwitchUser", bob, pin).isError(names.ErrInvalidArgs, "pin: is not 4 digits")
	}
	if c.plex.Count(plextvsim.SwitchUser) > 0 {
		t.Error("plex.tv was asked to switch")
	}
}

func TestSwitchThatCannotBeKept(t *testing.T) {
	c := newBox(t, setup{}).client()
	c.signIn(c.box.token)
	_, kim := c.withHome()
	c.breakStorage()
	c.home("SwitchUser", kim, "").isError(names.ErrorPrefix + "StorageFailed")
	c.mendStorage()
	c.usedBy(aliceUUID)
}

// A PIN is for plex.tv alone: no log, error, signal or file has it, whatever is
// wrong with it or with the call.
func TestNobodyIsToldAHomePIN(t *testing.T) {
	log := &journal{}
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	c := newBox(t, setup{mode: auth.ModeJWT, log: slog.New(handler)}).client()
	listener, _ := c.recorders()
	c.pair()
	bob, kim := c.withHome()
	const wrong = "9358"
	answers := []reply{
		c.home("SwitchUser", bob, wrong), c.home("SwitchUser", bob, wrong+" "), c.home("SwitchUser", wrong, bobsPIN+"\x00"),
		c.home("SwitchUser", "nobody", bobsPIN), c.home("SwitchUser", bob, uint32(9358)),
		c.home("SwitchUser", bob, bobsPIN, wrong),
	}
	for _, fault := range []plextvsim.Fault{{Status: 503}, {CutOff: true}, {Reset: true}, {Status: 403}, plextvsim.CaptivePortal()} {
		fault.Endpoint = plextvsim.SwitchUser
		c.plex.Fail(fault)
		answers = append(answers, c.home("SwitchUser", bob, bobsPIN))
		c.plex.Clear()
	}
	c.home("SwitchUser", kim, wrong).gives("") // who is not protected
	c.plexTime.Advance(time.Hour)
	c.home("SwitchUser", bob, bobsPIN).gives("")
	c.credentials("SignOut").gives("b")
	heard, err := listener.await(c.ctx, ranToTheEnd)
	if err != nil || !strings.Contains(heard, "user-switched") {
		t.Fatalf("heard %q: %v", heard, err)
	}
	c.stop()
	state, err := os.ReadFile(c.state)
	if err != nil {
		t.Fatal(err)
	}
	for _, pin := range []string{bobsPIN, wrong} {
		for where, text := range map[string]string{"the log": log.String(), "a signal": heard, "the state file": string(state)} {
			if holdsPIN(text, pin) {
				t.Errorf("%s holds a PIN: %s", where, text)
			}
		}
		for _, answer := range answers {
			if answer.Err == nil || holdsPIN(answer.Err.Error(), pin) {
				t.Errorf("%v was answered %v", answer.Args, answer.Err)
			}
		}
	}
}
