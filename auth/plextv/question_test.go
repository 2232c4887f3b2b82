// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// question is one that the client asks.
type question struct {
	sent []string // the secrets in it
	// ask fails the test for an answer that no caller could use.
	ask func(*testing.T, *Client) error
}

// thrownBack puts the secrets of a question where an answer has {0} and {1}.
func (q question) thrownBack() *strings.Replacer {
	var pairs []string
	for i, text := range q.sent {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), text)
	}
	return strings.NewReplacer(pairs...)
}

// questions are all that there are.
var questions = []question{
	{nil, func(t *testing.T, c *Client) error {
		return usable(t, usablePin)(c.RequestPin(t.Context(), me, nil, true))
	}},
	{nil, func(t *testing.T, c *Client) error {
		return usable(t, usablePin)(c.RequestPin(t.Context(), me, []byte("{}"), false))
	}},
	{[]string{sentPin}, func(t *testing.T, c *Client) error {
		return usable(t, usablePin)(c.CheckPin(t.Context(), me, secret.New(sentPin), secret.String{}))
	}},
	{[]string{sentPin, sentJWT}, func(t *testing.T, c *Client) error {
		return usable(t, usablePin)(c.CheckPin(t.Context(), me, secret.New(sentPin), secret.New(sentJWT)))
	}},
	{nil, func(t *testing.T, c *Client) error {
		return usable(t, usableToken)(c.Nonce(t.Context(), me))
	}},
	{[]string{sentJWT}, func(t *testing.T, c *Client) error {
		return usable(t, usableToken)(c.Exchange(t.Context(), me, secret.New(sentJWT)))
	}},
	{[]string{sentToken}, func(t *testing.T, c *Client) error {
		return c.RegisterKey(t.Context(), me, myToken, []byte("{}"))
	}},
	{nil, func(t *testing.T, c *Client) error {
		return usable(t, usableKeys)(c.SigningKeys(t.Context(), me))
	}},
	{[]string{sentToken}, func(t *testing.T, c *Client) error {
		return usable(t, usableUser)(c.User(t.Context(), me, myToken))
	}},
	{[]string{sentToken}, func(t *testing.T, c *Client) error {
		return usable(t, usableServers)(c.Resources(t.Context(), me, myToken))
	}},
	{[]string{sentToken}, func(t *testing.T, c *Client) error {
		return usable(t, usableHome)(c.HomeUsers(t.Context(), me, myToken))
	}},
	{[]string{sentToken, sentUUID}, func(t *testing.T, c *Client) error {
		token, user, err := c.SwitchHomeUser(t.Context(), me, myToken, sentUUID, secret.New("4821"))
		if err == nil && user.UUID != "" && user.UUID != sentUUID {
			t.Errorf("switched to %+v", user)
		}
		return usable(t, usableToken)(token, err)
	}},
	{[]string{sentToken}, func(t *testing.T, c *Client) error {
		return c.SignOut(t.Context(), me, myToken)
	}},
}

var (
	me      = Identity{ClientID: "3f0c", Product: "Box"}
	myToken = secret.New(sentToken)
)

// usable wants a value that check finds right, or an error and nothing.
func usable[T any](t *testing.T, check func(*testing.T, T)) func(T, error) error {
	return func(value T, err error) error {
		if err == nil {
			check(t, value)
		} else if !reflect.ValueOf(value).IsZero() {
			t.Errorf("%+v with the error %v", value, err)
		}
		return err
	}
}

func usablePin(t *testing.T, pin Pin) {
	if text := pin.ID.Reveal(); text != "" && !isID(text) || text == "" && pin.Code == "" && pin.Token.IsZero() || pin.ExpiresIn < 0 || pin.ExpiresIn > longestPin {
		t.Errorf("%q: %+v", pin.ID.Reveal(), pin)
	}
	tidy(t, maxCode, pin.ID.Reveal(), pin.Code)
	tidy(t, maxToken, pin.Token.Reveal())
}

func usableToken(t *testing.T, token secret.String) {
	if token.IsZero() {
		t.Error("no token and no error")
	}
	tidy(t, maxToken, token.Reveal())
}

func usableKeys(t *testing.T, keys json.RawMessage) {
	if !json.Valid(keys) || len(keys) > maxBody {
		t.Errorf("keys that are no JSON: %.200q", keys)
	}
}

func usableUser(t *testing.T, user User) {
	if user.ID == "" {
		t.Errorf("nobody: %+v", user)
	}
	tidy(t, maxText, user.ID, user.UUID, user.Username, user.Title, user.Email, user.Thumb)
}

func usableServers(t *testing.T, servers []Resource) {
	if servers == nil || len(servers) > maxServers {
		t.Errorf("%d servers", len(servers))
	}
	for _, s := range servers {
		if s.MachineID == "" || len(s.URIs) > maxConnections || slices.ContainsFunc(s.URIs, func(uri string) bool { return !isServerURI(uri) }) {
			t.Errorf("%+v", s)
		}
		tidy(t, maxToken, append(s.URIs, s.MachineID, s.Name, s.AccessToken.Reveal())...)
	}
}

func usableHome(t *testing.T, home Home) {
	if len(home.Users) > maxHomeUsers {
		t.Errorf("%d users", len(home.Users))
	}
	for _, user := range home.Users {
		if !isID(user.UUID) {
			t.Errorf("%+v", user)
		}
		tidy(t, maxText, user.ID, user.Title, user.Thumb)
	}
}

// tidy fails if one of the texts is longer than limit or breaks a line.
func tidy(t *testing.T, limit int, texts ...string) {
	for _, text := range texts {
		if len(text) > limit || !legible.IsText(text) {
			t.Errorf("%.200q of %d bytes", text, len(text))
		}
	}
}
