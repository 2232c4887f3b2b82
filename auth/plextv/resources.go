// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// Limits of what is taken from an answer. They are far above what accounts have.
const (
	maxServers     = 200
	maxServersSize = 256 << 10 // in bytes, of all texts together, as JSON in TOML holds them
	maxConnections = 50
	maxRelays      = 10
)

// Resource is a media server of an account.
type Resource struct {
	MachineID string // plex.tv's clientIdentifier
	Name      string // may be empty
	// Owned: the account's own, not shared with it.
	Owned bool
	// Presence: plex.tv has heard from it recently.
	Presence bool
	// AccessToken is for this server; zero if there is none. For owned servers
	// plex.tv returns the JWT that it was asked with, which the server refuses.
	AccessToken secret.String
	// URIs are http and https addresses: local ones first, plex.tv's relay last.
	URIs []string
	// TokenUnread and URIsUnread tell that plex.tv did not say, or that it could not
	// be read: what was known before may still be true.
	TokenUnread, URIsUnread bool
}

// Resources asks for the media servers of a token's account, at most 200, each with
// at most 50 addresses: own ones are chosen first, then those that plex.tv has heard
// from, and local addresses and relays before others. What is no media server is left
// out, and of one what cannot be read; an answer in which nothing can be read is an
// [InvalidResponse]. A list of 8 MiB is read in 2 MiB of memory. It tries up to 3
// times; its errors are [*Error], or ctx's if that has ended.
func (c *Client) Resources(ctx context.Context, id Identity, token secret.String) (servers []Resource, err error) {
	err = c.retry(ctx, request{
		op: "asking plex.tv for the media servers", method: http.MethodGet,
		path: "/api/v2/resources", identity: id, authorized: true, token: token, success: []int{http.StatusOK},
		query: url.Values{"includeHttps": {"1"}, "includeRelay": {"1"}, "includeIPv6": {"1"}}, list: true,
	}, func(a answer) (err error) {
		servers, err = readResources(a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return servers, nil
}

func readResources(a answer) ([]Resource, error) {
	var chosen choice
	some, readable := false, false
	err := a.readList(func(entry []byte) error {
		some = true
		var body resource
		err := json.Unmarshal(entry, &body)
		switch {
		case errors.As(err, new(*json.SyntaxError)) && entry != nil:
			return errBroken
		case err != nil || body.Provides == nil:
			a.odd("resources")
			return nil
		}
		readable = true
		if !slices.Contains(body.Provides, "server") {
			return nil
		}
		if server, ok := body.server(a.odd); ok {
			chosen.add(&server)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if some && !readable {
		return nil, errors.New("a list in which nothing can be read")
	}
	return chosen.list(), nil
}

// resource is a device in plex.tv's list.
type resource struct {
	MachineID   loose       `json:"clientIdentifier"`
	Name        loose       `json:"name"`
	Provides    roles       `json:"provides"`
	Owned       loose       `json:"owned"`
	Presence    loose       `json:"presence"`
	AccessToken loose       `json:"accessToken"`
	Connections connections `json:"connections"`
}

// roles are what a device provides, as in "client,player"; nil if that is not said.
type roles []string

// UnmarshalJSON implements [json.Unmarshaler].
func (r *roles) UnmarshalJSON(raw []byte) error {
	var text loose
	if raw[0] == '[' {
		_ = json.Unmarshal(raw, (*[]string)(r)) // what is no text stays empty
		return nil
	}
	if err := text.UnmarshalJSON(raw); err != nil || text.text == "" {
		return err
	}
	*r = strings.FieldsFunc(text.text, func(c rune) bool { return c == ',' || c == ' ' })
	return nil
}

// server takes the fields that can be read; without an id it is nothing.
func (r resource) server(odd func(field string)) (found found, ok bool) {
	id, err := r.MachineID.word("clientIdentifier", maxText)
	if err != nil || id == "" {
		odd("server.clientIdentifier")
		return found, false
	}
	found.connections = r.Connections
	found.Resource = Resource{
		MachineID: id, Owned: r.Owned.truth(), Presence: r.Presence.truth(),
		TokenUnread: r.AccessToken.form == 0, URIsUnread: !r.Connections.readable,
	}
	if found.Name, ok = r.Name.name(maxText); !ok {
		odd("server.name")
	}
	if found.AccessToken, err = readToken("accessToken", r.AccessToken); err != nil {
		odd("server.accessToken")
		found.TokenUnread = true
	}
	if r.Connections.odd {
		odd("server.connections")
	}
	for name, flag := range map[string]loose{"owned": r.Owned, "presence": r.Presence} {
		if !flag.absent() && !flag.known() {
			odd("server." + name)
		}
	}
	return found, true
}
