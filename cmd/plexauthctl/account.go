// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func (p *program) logoutCommand() *cobra.Command {
	return p.command("logout", "Sign out: forget the account here and revoke the token at plex.tv", p.logout)
}

func (p *program) logout(ctx context.Context, c *client.Client) error {
	s, err := p.state(ctx, c)
	if err != nil {
		return err
	}
	// A token that plex.tv refused is still held, and worth forgetting.
	if !s.Authenticated && s.State != client.Expired && s.State != client.Locked {
		return &ending{exitSignedOut, "nobody is signed in"}
	}
	revoked, err := c.Interactive().SignOut(ctx)
	switch {
	case err != nil:
		return err
	case p.json:
		return p.printJSON(map[string]bool{"revoked": revoked})
	case revoked:
		p.printf("Signed out; plex.tv has revoked the token\n")
	default:
		p.printf("Signed out on this box, but plex.tv has not confirmed that the token is revoked:\n" +
			"remove this device at https://app.plex.tv/desktop/#!/settings/devices/all\n")
	}
	return nil
}

func (p *program) validateCommand() *cobra.Command {
	return p.asking("validate", "Ask plex.tv whether the sign-in is still good (exit status 3: it is not)", p.validate)
}

func (p *program) validate(ctx context.Context, c *client.Client) error {
	valid, err := c.Interactive().Validate(ctx)
	if err != nil {
		return err
	}
	word := "valid"
	if !valid {
		word = "refused"
	}
	if p.json {
		err = p.printJSON(map[string]bool{"valid": valid})
	} else {
		p.printf("%s\n", word)
	}
	if err == nil && !valid {
		err = &ending{status: exitSignedOut}
	}
	return err
}

func (p *program) headersCommand() *cobra.Command {
	withToken, server := false, ""
	command := p.asking("headers", "Print the headers for requests to plex.tv or a media server", func(ctx context.Context, c *client.Client) error {
		return p.headers(ctx, c.Interactive(), server, withToken)
	})
	command.Flags().StringVar(&server, "server", "", "for the media server with this `MACHINE_ID`, see plexauthctl servers")
	completeFlag(command, "server", p.asked(machineIDs))
	command.Flags().BoolVar(&withToken, "with-token", false, "print the token too, which gives access to the account")
	return command
}

func (p *program) headers(ctx context.Context, c *client.Client, server string, withToken bool) error {
	headers, err := client.Headers{}, error(nil)
	if server == "" {
		headers, err = c.Headers(ctx)
	} else {
		headers, err = c.ServerHeaders(ctx, server)
	}
	if err != nil {
		return err
	}
	if withToken && headers.Token.IsZero() {
		if _, err := c.Token(ctx); client.CodeOf(err) == client.UserLocked {
			return err
		}
		return &ending{exitSignedOut, "there is no token: sign in with plexauthctl login"}
	}
	all := maps.Collect(headers.All())
	if !withToken && !headers.Token.IsZero() {
		all["X-Plex-Token"] = headers.Token.String()
	}
	if p.json {
		return p.printJSON(all)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p.printf("%s: %s\n", plain(name), plain(all[name]))
	}
	return nil
}
