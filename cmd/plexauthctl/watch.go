// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func (p *program) watchCommand() *cobra.Command {
	return p.command("watch", "Show the status live, or print a line for every change, until Ctrl-C", p.watch)
}

func (p *program) watch(ctx context.Context, c *client.Client) error {
	watch, err := c.Watch(ctx)
	if err != nil {
		return err
	}
	if p.canDraw() {
		err := p.showLive(ctx, c, watch)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var before client.Status
	for event := range watch.Events {
		if err := p.printEvent(before, event); err != nil {
			return err
		}
		before = event.Status
	}
	if ctx.Err() != nil {
		return nil
	}
	return watch.Err()
}

// eventView is what watch --json prints for an event.
type eventView struct {
	Time   time.Time     `json:"time"`
	Event  client.Kind   `json:"event"`
	Status client.Status `json:"status,omitzero"`
	Reason client.Reason `json:"reason,omitempty"`
	PinID  uint64        `json:"pin_id,omitempty"`
	Result client.Result `json:"result,omitempty"`
}

func (p *program) printEvent(before client.Status, e client.Event) error {
	if p.json {
		return p.printJSON(eventView{p.clock.Now(), e.Kind, e.Status, e.Reason, e.PinID, e.Result})
	}
	p.printf("%s  %s\n", p.clock.Now().Format(time.TimeOnly), plain(eventWords(before, e)))
	return p.out.err
}

func eventWords(before client.Status, e client.Event) string {
	switch e.Kind {
	case client.Gone:
		return "plexauthd is not running"
	case client.Snapshot:
		return "plexauthd " + e.Status.Version + "; " + changeWords(client.Status{}, e.Status)
	case client.AuthChanged:
		return "sign-in changed: " + string(e.Reason)
	case client.PinEnded:
		return "pairing ended: " + string(e.Result)
	default:
		return changeWords(before, e.Status)
	}
}

// changeWords describes the properties that differ from before.
func changeWords(before, now client.Status) string {
	var changed []string
	old := propertyWords(before)
	for i, words := range propertyWords(now) {
		if words != old[i] {
			changed = append(changed, words)
		}
	}
	return strings.Join(changed, "; ")
}

// propertyWords describes each property, in a fixed order.
func propertyWords(s client.Status) []string {
	pairing, server, token := "no pairing under way", "no server selected", "token expiry unknown"
	if pin := s.Pin; pin.ID != 0 {
		pairing = fmt.Sprintf("pairing with %s until %s", pairingWords(pin), pin.ExpiresAt.Format(time.TimeOnly))
	}
	if s.SelectedServer != (client.Server{}) {
		server = fmt.Sprintf("server %s (%s)", s.SelectedServer.URI, s.SelectedServer.MachineID)
	}
	if !s.TokenExpiresAt.IsZero() {
		token = "token valid until " + s.TokenExpiresAt.Format(time.DateTime)
	}
	return []string{stateWords(s, client.User{}), pairing, server, token, "mode " + s.AuthMode}
}
