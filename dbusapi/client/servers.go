// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// MediaServer is a media server of the current user.
type MediaServer struct {
	MachineID string   `json:"machine_id"`
	Name      string   `json:"name"`
	Owned     bool     `json:"owned"`    // the user's own, not shared with them
	Presence  bool     `json:"presence"` // plex.tv has seen it recently
	URIs      []string `json:"uris"`     // local ones first, plex.tv's relay last
}

// Servers lists the media servers of the current user. While plex.tv cannot be
// asked it is the last good answer. [AuthRequired] when nobody is signed in.
func (c *Client) Servers(ctx context.Context) ([]MediaServer, error) {
	var list []map[string]dbus.Variant
	err := c.call(ctx, names.Credentials, "ListServers", nil, &list)
	servers := make([]MediaServer, 0, len(list))
	for _, values := range list {
		s := MediaServer{URIs: []string{}}
		read(values, "machine_id", &s.MachineID)
		read(values, "name", &s.Name)
		read(values, "owned", &s.Owned)
		read(values, "presence", &s.Presence)
		read(values, "uris", &s.URIs)
		servers = append(servers, s)
	}
	return servers, err
}

// ServerHeaders gives the headers for a request to that media server. The errors
// are [AuthRequired], [NotFound], [NoServerToken] if plex.tv gives this user no token
// for the server, [PinRejected] if it does with the home user's PIN, and those of
// asking plex.tv.
func (c *Client) ServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	return c.headers(ctx, "GetServerHeaders", machineID)
}

// RenewServerHeaders is for a media server that has refused (401) what
// ServerHeaders returned: plex.tv is asked for another token, at most once a
// minute. The errors are those of ServerHeaders.
func (c *Client) RenewServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	return c.headers(ctx, "RenewServerHeaders", machineID)
}

// headers calls a member that answers with headers.
func (c *Client) headers(ctx context.Context, member string, args ...any) (Headers, error) {
	var values map[string]string
	err := c.call(ctx, names.Credentials, member, args, &values)
	token := values[tokenHeader]
	delete(values, tokenHeader)
	return Headers{Identity: values, Token: secret.New(token)}, err
}
