// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func (p *program) statusCommand() *cobra.Command {
	return p.command("status", "Show who is signed in (exit status 3: nobody)", p.status)
}

// statusView is what status --json prints.
type statusView struct {
	client.Status
	User client.User `json:"user,omitzero"`
}

// stateAndUser asks for both. The user stays empty if this user may not know.
func (p *program) stateAndUser(ctx context.Context, c *client.Client) (client.Status, client.User, error) {
	s, err := p.state(ctx, c)
	if err != nil {
		return client.Status{}, client.User{}, err
	}
	u, err := p.userIfAllowed(ctx, c, s)
	return s, u, err
}

// status never asks for a password: what this user may not know is left out.
func (p *program) status(ctx context.Context, c *client.Client) error {
	s, u, err := p.stateAndUser(ctx, c)
	if err != nil {
		return err
	}
	if p.json {
		err = p.printJSON(statusView{s, u})
	} else {
		p.printStatus(s, u)
	}
	if err == nil && !s.Authenticated {
		err = &ending{status: exitSignedOut}
	}
	return err
}

// userIfAllowed tells who is signed in, as far as this user may know.
func (p *program) userIfAllowed(ctx context.Context, c *client.Client, s client.Status) (client.User, error) {
	if !s.Authenticated {
		return client.User{}, nil
	}
	u, err := p.user(ctx, c)
	if client.CodeOf(err) == client.AccessDenied {
		return client.User{}, nil
	}
	return u, err
}

func (p *program) printStatus(s client.Status, u client.User) {
	p.printf("%s\n", stateWords(s, u))
	if pin := s.Pin; pin.ID != 0 {
		left := max(0, pin.ExpiresAt.Sub(p.clock.Now())).Round(time.Second)
		p.printf("Pairing: %s, %s left\n", pairingWords(pin), minutes(left))
	}
	if server := s.SelectedServer; server != (client.Server{}) {
		p.printf("Server:  %s (%s)\n", plain(server.URI), plain(server.MachineID))
	}
	p.printf("Daemon:  plexauthd %s\n", plain(s.Version))
}
