// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

const (
	deviceJWT = "eyJraWQiOiJrIn0.eyJpc3MiOiIzZjBjIn0.c2lnbmF0dXJl-_"
	nonce     = "7c415b56-8f48-488a-98ab-847ef4460442"
	homePin   = "4821"
	homeUUID  = "c0ffee11"
	jwk       = `{"kty":"OKP","crv":"Ed25519","x":"11qY","kid":"kPrK","use":"sig","alg":"EdDSA"}`

	newToken   = `{"auth_token":"` + token + `"}`
	newNonce   = `{"nonce":"` + nonce + `"}`
	plexKeys   = `{"keys":[` + jwk + `]}`
	switched   = `{"id":7,"uuid":"` + homeUUID + `","title":"Kid","restricted":true,"authToken":"` + token + `"}`
	pinRefused = `{"errors":[{"code":1041,"message":"A valid PIN is required to perform this action","status":403}]}`
)

var me = plextv.Identity{
	ClientID: "3f0c", Product: "Rétune", Version: "1.2", Platform: "Linux",
	PlatformVersion: "6.1", Device: "Box", DeviceName: "Séjour 📺",
}

// call is one of the client's methods, with what it sends and a good answer.
type call struct {
	name, line, body    string
	authorized, retried bool
	good                http.HandlerFunc
	do                  func(context.Context, *plextv.Client) error
}

// calls are all methods that ask.
func calls() []call {
	tok := secret.New(token)
	return []call{
		{"short PIN", "POST /api/v2/pins", "", false, true, reply(201, jsonType, waiting), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.RequestPin(ctx, me, nil, false)
			return err
		}},
		{"strong PIN", "POST /api/v2/pins?strong=true", "", false, true, reply(201, jsonType, waiting), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.RequestPin(ctx, me, nil, true)
			return err
		}},
		{"short PIN, key", "POST /api/v2/pins", `{"jwk":` + jwk + `}`, false, true, reply(201, jsonType, waiting), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.RequestPin(ctx, me, []byte(jwk), false)
			return err
		}},
		{"strong PIN, key", "POST /api/v2/pins", `{"jwk":` + jwk + `,"strong":true}`, false, true, reply(201, jsonType, waiting), requestPinWithKey},
		{"check", "GET /api/v2/pins/" + pinID, "", false, false, reply(200, jsonType, waiting), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.CheckPin(ctx, me, secret.New(pinID), secret.String{})
			return err
		}},
		{"check, key", "GET /api/v2/pins/" + pinID + "?deviceJWT=" + deviceJWT, "", false, false, reply(200, jsonType, waiting), checkWithKey},
		{"nonce", "GET /api/v2/auth/nonce", "", false, true, reply(200, jsonType, newNonce), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.Nonce(ctx, me)
			return err
		}},
		{"exchange", "POST /api/v2/auth/token", `{"jwt":"` + deviceJWT + `"}`, false, false, reply(200, jsonType, newToken), exchange},
		{"register", "POST /api/v2/auth/jwk", `{"jwk":` + jwk + `}`, true, true, reply(201, "", ""), registerKey},
		{"keys", "GET /api/v2/auth/keys", "", false, true, reply(200, jsonType, plexKeys), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.SigningKeys(ctx, me)
			return err
		}},
		{"user", "GET /api/v2/user", "", true, true, reply(200, jsonType, someUser), func(ctx context.Context, c *plextv.Client) error {
			_, err := c.User(ctx, me, tok)
			return err
		}},
		{"servers", "GET /api/v2/resources?includeHttps=1&includeIPv6=1&includeRelay=1", "", true, true, reply(200, jsonType, "[]"), askServers},
		{"home", "GET /api/v2/home/users", "", true, true, reply(200, jsonType, `{"users":[]}`), askHome},
		{"switch", "POST /api/v2/home/users/" + homeUUID + "/switch?pin=" + homePin, "", true, false, reply(201, jsonType, switched), switchUser},
		{"switch, no PIN", "POST /api/v2/home/users/" + homeUUID + "/switch", "", true, false, reply(201, jsonType, switched), func(ctx context.Context, c *plextv.Client) error {
			_, _, err := c.SwitchHomeUser(ctx, me, tok, homeUUID, secret.String{})
			return err
		}},
		{"sign out", "DELETE /api/v2/users/signout", "", true, true, reply(204, "", ""), func(ctx context.Context, c *plextv.Client) error {
			return c.SignOut(ctx, me, tok)
		}},
	}
}

func requestPinWithKey(ctx context.Context, c *plextv.Client) error {
	_, err := c.RequestPin(ctx, me, []byte(jwk), true)
	return err
}

func exchange(ctx context.Context, c *plextv.Client) error {
	_, err := c.Exchange(ctx, me, secret.New(deviceJWT))
	return err
}

func checkWithKey(ctx context.Context, c *plextv.Client) error {
	_, err := c.CheckPin(ctx, me, secret.New(pinID), secret.New(deviceJWT))
	return err
}

func registerKey(ctx context.Context, c *plextv.Client) error {
	return c.RegisterKey(ctx, me, secret.New(token), []byte(jwk))
}

func askServers(ctx context.Context, c *plextv.Client) error {
	_, err := c.Resources(ctx, me, secret.New(token))
	return err
}

func askHome(ctx context.Context, c *plextv.Client) error {
	_, err := c.HomeUsers(ctx, me, secret.New(token))
	return err
}

func switchUser(ctx context.Context, c *plextv.Client) error {
	_, _, err := c.SwitchHomeUser(ctx, me, secret.New(token), homeUUID, secret.New(homePin))
	return err
}
