// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"cmp"
	"slices"
	"strings"
)

// found is a media server in plex.tv's list.
type found struct {
	Resource
	connections
	place int // in the list
	size  int // of all texts, see sizeOf
}

// choice is a bounded list of media servers, one for each machine id.
type choice struct {
	servers []*found // pointers: the generic functions below are in the program for those already
	size    int
	places  int
}

// add takes a server, and leaves out the one that is needed least if there is no room.
func (c *choice) add(server *found) {
	c.places++
	server.place = c.places
	same := func(s *found) bool { return s.MachineID == server.MachineID }
	if at := slices.IndexFunc(c.servers, same); at >= 0 {
		merged := c.servers[at].merged(*server)
		server = &merged
		c.drop(at)
	}
	server.URIs = server.uris()
	server.size = 0
	for _, text := range append([]string{server.MachineID, server.Name, server.AccessToken.Reveal()}, server.URIs...) {
		server.size += sizeOf(text)
	}
	c.servers, c.size = append(c.servers, server), c.size+server.size
	for len(c.servers) > maxServers || c.size > maxServersSize && len(c.servers) > 1 {
		least := slices.MaxFunc(c.servers, func(a, b *found) int {
			return cmp.Or(cmp.Compare(b.need(), a.need()), cmp.Compare(a.place, b.place))
		})
		c.drop(slices.IndexFunc(c.servers, func(s *found) bool { return s == least }))
	}
}

// sizeOf is the most that text takes as JSON within TOML: there a < is \\u003c.
func sizeOf(text string) int {
	size := len(text)
	for _, c := range []byte(text) {
		if c < ' ' || strings.IndexByte("\"\\<>&\x7f", c) >= 0 {
			size += len("\\\\u003c") - 1
		}
	}
	return size
}

func (c *choice) drop(at int) {
	c.size -= c.servers[at].size
	c.servers = slices.Delete(c.servers, at, at+1)
}

// list gives the servers in plex.tv's order.
func (c *choice) list() []Resource {
	slices.SortFunc(c.servers, func(a, b *found) int { return cmp.Compare(a.place, b.place) })
	list := make([]Resource, len(c.servers))
	for i, s := range c.servers {
		list[i] = s.Resource
	}
	return list
}

// need is highest for the account's own servers, then for those that are in use.
func (f found) need() (need int) {
	if f.Owned {
		need = 2
	}
	if f.Presence {
		need++
	}
	return need
}

// merged is the server of two entries with the same machine id, such as one that is
// shared in a home and by invitation: its token is the one that a media server takes.
func (f found) merged(other found) found {
	place := min(f.place, other.place)
	if other.rank() > f.rank() {
		f, other = other, f
	}
	f.place = place
	f.Name = cmp.Or(f.Name, other.Name)
	f.Owned, f.Presence = f.Owned || other.Owned, f.Presence || other.Presence
	f.TokenUnread = f.AccessToken.IsZero() && (f.TokenUnread || other.TokenUnread)
	f.URIsUnread = f.URIsUnread && other.URIsUnread
	f.connections.merge(other.connections)
	return f
}

// rank is highest for a server whose token opens it: one of its own rather than a JWT,
// which it refuses, and of one that is in use.
func (f found) rank() int {
	switch {
	case f.AccessToken.IsZero():
		return f.need()
	case isJWT(f.AccessToken):
		return 4 + f.need()
	}
	return 8 + f.need()
}
