// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"cmp"
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
	maxConnections = 50
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
}

// Resources asks for the media servers of a token's account, at most 200, each
// with at most 50 addresses. What is no media server or cannot be read is left
// out; an answer in which nothing can be read is an [InvalidResponse]. It tries
// up to 3 times; its errors are [*Error], or ctx's if that has ended.
func (c *Client) Resources(ctx context.Context, id Identity, token secret.String) (servers []Resource, err error) {
	err = c.retry(ctx, request{
		op: "asking plex.tv for the media servers", method: http.MethodGet,
		path: "/api/v2/resources", identity: id, authorized: true, token: token, success: []int{http.StatusOK},
		query: url.Values{"includeHttps": {"1"}, "includeRelay": {"1"}, "includeIPv6": {"1"}},
	}, func(a answer) (err error) {
		servers, err = readResources(a)
		return err
	})
	return servers, err
}

func readResources(a answer) ([]Resource, error) {
	var entries []json.RawMessage
	if err := a.readJSON(&entries); err != nil {
		return nil, err
	}
	if entries == nil {
		return nil, errors.New("null instead of a list")
	}
	servers, readable := []Resource{}, false
	at := make(map[string]int) // by machine id
	for _, entry := range entries {
		var body resource
		if json.Unmarshal(entry, &body) != nil || body.Provides.text == "" {
			continue
		}
		readable = true
		server, err := body.server()
		if err != nil || !body.isServer() {
			continue
		}
		if i, twice := at[server.MachineID]; twice {
			servers[i] = servers[i].merged(server)
		} else if len(servers) < maxServers {
			at[server.MachineID] = len(servers)
			servers = append(servers, server)
		}
	}
	if len(entries) > 0 && !readable {
		return nil, errors.New("a list in which nothing can be read")
	}
	return servers, nil
}

// resource is a device in plex.tv's list.
type resource struct {
	MachineID   loose             `json:"clientIdentifier"`
	Name        loose             `json:"name"`
	Provides    loose             `json:"provides"`
	Owned       loose             `json:"owned"`
	Presence    loose             `json:"presence"`
	AccessToken loose             `json:"accessToken"`
	Connections []json.RawMessage `json:"connections"`
}

// merged is the server of two entries with the same machine id, such as one that is
// shared in a home and by invitation: its token is the one that a media server takes.
func (r Resource) merged(other Resource) Resource {
	if other.rank() > r.rank() {
		r, other = other, r
	}
	r.Name = cmp.Or(r.Name, other.Name)
	r.Owned, r.Presence = r.Owned || other.Owned, r.Presence || other.Presence
	for _, uri := range other.URIs {
		if !slices.Contains(r.URIs, uri) {
			r.URIs = append(r.URIs, uri)
		}
	}
	return r
}

// rank is highest for a server whose token opens it: one of its own rather than a JWT,
// which it refuses, and one that is in use.
func (r Resource) rank() (rank int) {
	switch {
	case r.AccessToken.IsZero():
	case isJWT(r.AccessToken):
		rank = 4
	default:
		rank = 8
	}
	if r.Presence {
		rank += 2
	}
	if r.Owned {
		rank++
	}
	return rank
}

// isServer looks into a list such as "client,player".
func (r resource) isServer() bool {
	return slices.Contains(strings.FieldsFunc(r.Provides.text, func(c rune) bool { return c == ',' || c == ' ' }), "server")
}

func (r resource) server() (Resource, error) {
	id, err := r.MachineID.word("clientIdentifier", maxText)
	if err == nil && id == "" {
		err = errors.New("a media server without an id")
	}
	if err != nil {
		return Resource{}, err
	}
	name, err := r.Name.word("name", maxText)
	if err != nil {
		return Resource{}, err
	}
	token, err := readToken("accessToken", r.AccessToken)
	if err != nil {
		return Resource{}, err
	}
	return Resource{
		MachineID: id, Name: name, Owned: r.Owned.truth(), Presence: r.Presence.truth(),
		AccessToken: token, URIs: r.uris(),
	}, nil
}

// uris keeps plex.tv's order within each kind.
func (r resource) uris() []string {
	var local, direct, relay []string
	for _, entry := range r.Connections[:min(len(r.Connections), maxConnections)] {
		var body struct {
			URI   loose `json:"uri"`
			Local loose `json:"local"`
			Relay loose `json:"relay"`
		}
		if json.Unmarshal(entry, &body) != nil {
			continue
		}
		uri, err := body.URI.word("uri", maxText)
		switch {
		case err != nil || !isServerURI(uri):
		case body.Relay.truth():
			relay = append(relay, uri)
		case body.Local.truth():
			local = append(local, uri)
		default:
			direct = append(direct, uri)
		}
	}
	return slices.Concat(local, direct, relay)
}

func isServerURI(text string) bool {
	uri, err := url.Parse(text)
	return err == nil && (uri.Scheme == "http" || uri.Scheme == "https") && uri.Hostname() != "" && uri.User == nil
}
