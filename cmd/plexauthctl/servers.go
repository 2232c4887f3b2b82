// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func (p *program) serversCommand() *cobra.Command {
	return p.asking("servers", "List the media servers", p.servers)
}

func (p *program) servers(ctx context.Context, c *client.Client) error {
	servers, err := c.Interactive().Servers(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(servers)
	}
	for _, s := range servers {
		p.printf("%s (%s), %s\n", plain(s.Name), plain(s.MachineID), serverWords(s))
		for _, uri := range s.URIs {
			p.printf("    %s\n", plain(uri))
		}
	}
	return nil
}

func serverWords(s client.MediaServer) string {
	words := "shared by somebody"
	if s.Owned {
		words = "own"
	}
	if !s.Presence {
		words += ", not seen by plex.tv recently"
	}
	return words
}
