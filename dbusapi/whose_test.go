// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// slowly are calls and the question that plex.tv is slow to answer.
var slowly = []struct {
	method string
	args   []any
	slow   plextvsim.Endpoint
	token  func(body []any) string // in the answer; nil: none
}{
	{names.Credentials + ".GetToken", nil, plextvsim.GetNonce, func(body []any) string {
		return body[0].(string)
	}},
	{names.Credentials + ".GetAuthHeaders", nil, plextvsim.GetNonce, tokenInHeaders},
	{names.Credentials + ".GetServerHeaders", []any{machineID}, plextvsim.Resources, tokenInHeaders},
	{names.Credentials + ".RenewServerHeaders", []any{machineID}, plextvsim.Resources, tokenInHeaders},
	{names.Credentials + ".ListServers", nil, plextvsim.Resources, nil},
	{names.Home + ".ListUsers", nil, plextvsim.HomeUsers, nil},
	{names.Main + ".Validate", nil, plextvsim.GetUser, nil},
}

func tokenInHeaders(body []any) string {
	return body[0].(map[string]string)["X-Plex-Token"]
}

// overtaken calls a member, and somebody does something else before plex.tv answers.
func (c *client) overtaken(slow plextvsim.Endpoint, meanwhile func(), method string, args ...any) *dbus.Call {
	c.t.Helper()
	asked := c.plex.Count(slow)
	c.delayPlex(slow)
	done := make(chan *dbus.Call, 1)
	c.start(done, method, args...)
	c.awaitAsked(asked+1, slow)
	c.awaitDelayed(1)
	c.plex.Clear()
	meanwhile()
	c.plexTime.Advance(time.Second)
	return await(c.box, done, "the answer")
}

// newAgingBox is one that Alice uses, with a device key whose token ends within
// minutes: members that return a token renew it first.
func newAgingBox(t *testing.T) *client {
	t.Helper()
	c := newBox(t, setup{mode: auth.ModeJWT, sim: plextvsim.Options{JWTLifetime: 2 * time.Minute, OwnSwitchWithoutPIN: true}}).client()
	c.pair()
	return c
}

// No answer leaves for a user who is not the user any more.
func TestAnswerForWhoHasSignedOut(t *testing.T) {
	for _, call := range slowly {
		t.Run(call.method, func(t *testing.T) {
			c := newAgingBox(t)
			other := c.client()
			answer := c.overtaken(call.slow, func() { other.credentials("ClearCredentials").gives("") }, call.method, call.args...)
			if call.method == names.Credentials+".GetAuthHeaders" { // which are good for signing in, too
				if token := tokenInHeaders(answer.Body); token != "" {
					t.Error("the headers have a token")
				}
				return
			}
			reply{answer, t}.isError(names.ErrorPrefix + "AuthRequired")
		})
	}
}

func TestAnswerForWhoIsNotTheUserAnyMore(t *testing.T) {
	for _, call := range slowly {
		t.Run(call.method, func(t *testing.T) {
			c := newAgingBox(t)
			_, kim := c.withHome()
			other := c.client()
			answer := c.overtaken(call.slow, func() { other.home("SwitchUser", kim, "").gives("") }, call.method, call.args...)
			if answer.Err != nil {
				t.Fatal(answer.Err)
			}
			c.usedBy(kim)
			if call.token == nil {
				return
			}
			now := reply{c.call(call.method, call.args...).Call, t}
			if call.token(answer.Body) != call.token(now.Body) {
				t.Error("the token is not of who uses the box")
			}
		})
	}
}
