// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// knownServer is a server with the token that it accepts, "" if plex.tv gave none.
// The list is as long as plex.tv says, and secret as a whole.
type knownServer struct {
	MediaServer
	Token    string `json:"token"`
	NeedsPin bool   `json:"needs_pin,omitempty"` // for the token
}

// knownServers is nil if there is no list, or none that can be read.
func knownServers(s *statefile.Servers) (known []knownServer) {
	if s == nil || json.Unmarshal([]byte(s.List.Reveal()), &known) != nil {
		return nil
	}
	for i := range known {
		known[i].Name = legible.Text(known[i].Name)
	}
	return known
}

func serverIn(list []knownServer, machineID string) (knownServer, bool) {
	at := slices.IndexFunc(list, func(s knownServer) bool { return s.MachineID == machineID })
	if at < 0 {
		return knownServer{}, false
	}
	return list[at], true
}

// listed are the servers in plex.tv's answer, with what was known before in place of
// what could not be read. bound tells that plex.tv was asked with the token of a device
// key, which media servers refuse.
func listed(answer []plextv.Resource, own ownToken, bound bool, before []knownServer) []knownServer {
	known := make([]knownServer, 0, len(answer))
	for _, s := range answer {
		next := knownServer{MediaServer: MediaServer{s.MachineID, s.Name, s.Owned, s.Presence, s.URIs}, Token: s.AccessToken.Reveal()}
		if bound && isJWT(s.AccessToken) {
			next.Token, next.NeedsPin = own.token.Reveal(), own.needsPin
		}
		if old, ok := serverIn(before, s.MachineID); ok {
			next.Name = cmp.Or(next.Name, old.Name)
			if s.TokenUnread {
				next.Token, next.NeedsPin = old.Token, old.NeedsPin
			}
			if s.URIsUnread {
				next.URIs = old.URIs
			}
		}
		known = append(known, next)
	}
	return known
}
