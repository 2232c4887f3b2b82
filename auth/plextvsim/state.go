// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// simState is what a person needs to know next.
type simState struct {
	Pins     []pinState       `json:"pins"`
	Users    map[string]int   `json:"users"`   // number of good tokens, JWTs apart
	Devices  []deviceState    `json:"devices"` // by client identifier
	Faults   int              `json:"faults"`
	Requests map[Endpoint]int `json:"requests"`
}

type pinState struct {
	Code      string `json:"code"`
	Product   string `json:"product"`
	Strong    bool   `json:"strong"`
	ExpiresIn int    `json:"expires_in"` // seconds, negative when expired
	Claimed   bool   `json:"claimed"`
}

type deviceState struct {
	Client string `json:"client"`
	User   string `json:"user"`
	Key    bool   `json:"key"`
	JWTs   int64  `json:"jwts"` // how many it was given
}

func (s *Sim) serveState(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	state := simState{
		Pins: []pinState{}, Users: map[string]int{}, Devices: []deviceState{},
		Faults: len(s.faults), Requests: maps.Clone(s.arrived),
	}
	for _, p := range s.pins {
		left := int(p.ExpiresAt.Sub(s.clock.Now()) / time.Second)
		state.Pins = append(state.Pins, pinState{p.Code, p.Product, p.Strong, left, !p.ClaimedAt.IsZero()})
	}
	for _, user := range s.users {
		state.Users[user.Username] = 0
	}
	for _, session := range s.sessions {
		if session.refused == 0 {
			state.Users[session.user.Username]++
		}
	}
	for _, d := range s.devices {
		state.Devices = append(state.Devices, deviceState{d.client, d.user.Username, d.key != nil, d.issued})
	}
	s.mu.Unlock()

	slices.SortFunc(state.Devices, func(a, b deviceState) int { return strings.Compare(a.Client, b.Client) })
	delete(state.Requests, Any)
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(state) // the reader went away
}
