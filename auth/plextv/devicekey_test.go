// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func TestKeyAnswersAreRead(t *testing.T) {
	ctx := context.Background()
	got, err := serve(t, reply(200, jsonType, newNonce)).client(t).Nonce(ctx, me)
	if err != nil || got.Reveal() != nonce {
		t.Errorf("nonce %q, %v", got.Reveal(), err)
	}
	got, err = serve(t, reply(200, jsonType, newToken)).client(t).Exchange(ctx, me, secret.New(deviceJWT))
	if err != nil || got.Reveal() != token {
		t.Errorf("token %q, %v", got.Reveal(), err)
	}
	keys, err := serve(t, reply(200, jsonType, plexKeys)).client(t).SigningKeys(ctx, me)
	if err != nil || string(keys) != plexKeys {
		t.Errorf("keys %s, %v", keys, err)
	}
	pin, err := serve(t, reply(200, jsonType, fullPin)).client(t).CheckPin(ctx, me, secret.New(pinID), secret.New(deviceJWT))
	if err != nil || pin.Token.Reveal() != token {
		t.Errorf("pin %+v, %v", pin, err)
	}
	for _, body := range []string{`{}`, `{"id":1}`, `[]`} {
		if err := registerKey(ctx, serve(t, reply(201, jsonType, body)).client(t)); err != nil {
			t.Errorf("registered with %s: %v", body, err)
		}
	}
}

func TestUnusableAnswersToNewerCalls(t *testing.T) {
	askNonce := func(ctx context.Context, c *plextv.Client) error {
		_, err := c.Nonce(ctx, me)
		return err
	}
	askKeys := func(ctx context.Context, c *plextv.Client) error {
		_, err := c.SigningKeys(ctx, me)
		return err
	}
	for name, test := range map[string]struct {
		do   func(context.Context, *plextv.Client) error
		body string
		says string
	}{
		"no nonce":           {askNonce, `{}`, "no nonce"},
		"odd nonce":          {askNonce, `{"nonce":["x"]}`, "not a text"},
		"long nonce":         {askNonce, `{"nonce":"` + strings.Repeat("n", 513) + `"}`, "longer than 512"},
		"control nonce":      {askNonce, `{"nonce":"a\n"}`, "control characters"},
		"no token":           {exchange, `{"authToken":"x"}`, "no token"},
		"null token":         {exchange, `{"auth_token":null}`, "no token"},
		"boolean token":      {exchange, `{"auth_token":true}`, "auth_token is not a string"},
		"no keys":            {askKeys, `{"keys":[]}`, "no keys"},
		"keys of a kind":     {askKeys, `{"keys":"x"}`, "cut off or broken"},
		"a page for keys":    {askKeys, `<html>`, "captive portal"},
		"servers in object":  {askServers, `{"x":[]}`, "cut off or broken"},
		"no server readable": {askServers, `[7,{"provided":"server"}]`, "nothing can be read"},
		"no home":            {askHome, `{"error":"x"}`, "neither a home"},
		"users are no list":  {askHome, `{"users":{"id":1}}`, "no list"},
		"no user readable":   {askHome, `{"users":[{"id":1}]}`, "nothing can be read"},
		"switch, no token":   {switchUser, strings.Replace(switched, "authToken", "x", 1), "no token"},
		"switch, odd token":  {switchUser, strings.Replace(switched, `"`+token+`"`, "7", 1), "not a string"},
		"switch, no user":    {switchUser, `{"id":7}`, "no token"},
		"switch, another":    {switchUser, strings.Replace(switched, homeUUID, "beef", 1), "another user"},
		"a page":             {registerKey, `<html>`, "captive portal"},
		"register, page":     {registerKey, `<!doctype html>`, "captive portal"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, reply(200, jsonType, test.body))
			e := failed(t, test.do(context.Background(), s.client(t)), plextv.InvalidResponse)
			if !strings.Contains(e.Error(), test.says) || len(s.requests()) != 1 {
				t.Errorf("%v, want %q; %d requests", e, test.says, len(s.requests()))
			}
		})
	}
	failed(t, registerKey(context.Background(), serve(t, reply(200, "text/plain", "OK")).client(t)), plextv.InvalidResponse)
	failed(t, registerKey(context.Background(), serve(t, reply(200, "text/html", "")).client(t)), plextv.InvalidResponse)
}
