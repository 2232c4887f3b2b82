// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and the daemon's if it is running", Args: noArguments, ValidArgsFunction: nothing,
		RunE: func(command *cobra.Command, _ []string) error { return p.printVersion(command.Context()) },
	}
}

func (p *program) printVersion(ctx context.Context) error {
	daemon := p.daemonVersion(ctx)
	if p.json {
		return p.printJSON(struct {
			Version string `json:"version"`
			Daemon  string `json:"daemon,omitempty"`
		}{version, daemon})
	}
	p.printf("plexauthctl %s\n", version)
	if daemon != "" {
		p.printf("plexauthd %s\n", plain(daemon))
	}
	return nil
}

// daemonVersion gives the daemon's version, "" if it cannot be asked.
func (p *program) daemonVersion(ctx context.Context) string {
	c, err := p.dial(ctx)
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }()
	s, _ := p.state(ctx, c) // without an answer there is no version
	return s.Version
}
