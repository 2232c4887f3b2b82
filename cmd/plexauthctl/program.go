// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/auth/timelimit"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// memoryTimeout bounds what the bus and plexauthd answer from memory. Other
// calls wait for plex.tv, or for a person with a password.
const memoryTimeout = 10 * time.Second

// program is one run of plexauthctl.
type program struct {
	clock  clockwork.Clock
	stdin  io.Reader
	out    *output
	stderr io.Writer

	bus     string
	json    bool
	started bool // the command line is valid: what fails from here on is not a usage error
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = p.out.err
	}
	return p.report(err)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "plexauthctl",
		Short: "Sign this box in to Plex and show its status",
		Long: `plexauthctl talks to plexauthd, which owns the Plex account of this box.

Exit status: 0 done, 1 failed, 2 usage error, 3 not signed in.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          needsCommand,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if p.bus != "system" && p.bus != "session" && !strings.Contains(p.bus, ":") {
				return fmt.Errorf("--bus: %q is not system, session or a D-Bus address", p.bus)
			}
			p.started = true
			return nil
		},
	}
	root.PersistentFlags().StringVar(&p.bus, "bus", "system", "`BUS` where plexauthd is: system, session or a D-Bus address")
	completeFlag(root, "bus", oneOf("system", "session"))
	root.PersistentFlags().BoolVar(&p.json, "json", false, "print JSON")
	root.AddCommand(p.statusCommand(), p.loginCommand(), p.importCommand(), p.logoutCommand(), p.validateCommand(),
		p.usersCommand(), p.switchCommand(), p.serversCommand(), p.headersCommand(), p.watchCommand(), p.doctorCommand(),
		p.sealCommand(), p.versionCommand())
	root.SetOut(p.out) // before the completion command, which keeps it
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		switch command.Name() {
		case "completion":
			command.RunE = needsCommand
		case "help":
			command.Args = knownCommand
		}
	}
	return root
}

// needsCommand runs a command that has only subcommands.
func needsCommand(command *cobra.Command, _ []string) error {
	var known []string
	for _, below := range command.Commands() {
		if below.IsAvailableCommand() {
			known = append(known, below.Name())
		}
	}
	return &ending{exitUsage, fmt.Sprintf("name a command: %s; see plexauthctl --help", strings.Join(known, ", "))}
}

func knownCommand(command *cobra.Command, args []string) error {
	if _, rest, err := command.Root().Find(args); err != nil || len(rest) > 0 {
		return fmt.Errorf("unknown command %q", strings.Join(args, " "))
	}
	return nil
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// command makes a command that works on plexauthd.
func (p *program) command(name, short string, run func(context.Context, *client.Client) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: noArguments, ValidArgsFunction: nothing,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := p.dial(command.Context())
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			return run(command.Context(), c)
		},
	}
}

// asking makes a command whose calls may take long, because plexauthd has to ask
// plex.tv or a person. It first makes sure that plexauthd answers at all.
func (p *program) asking(name, short string, run func(context.Context, *client.Client) error) *cobra.Command {
	return p.command(name, short, func(ctx context.Context, c *client.Client) error {
		if _, err := p.state(ctx, c); err != nil {
			return err
		}
		return run(ctx, c)
	})
}

func (p *program) dial(ctx context.Context) (*client.Client, error) {
	ctx, cancel := timelimit.With(ctx, p.clock, memoryTimeout)
	defer cancel()
	return client.Dial(ctx, p.bus)
}

func (p *program) state(ctx context.Context, c *client.Client) (client.Status, error) {
	ctx, cancel := timelimit.With(ctx, p.clock, memoryTimeout)
	defer cancel()
	return c.State(ctx)
}

// user tells who is signed in.
func (p *program) user(ctx context.Context, c *client.Client) (client.User, error) {
	ctx, cancel := timelimit.With(ctx, p.clock, memoryTimeout)
	defer cancel()
	return c.CurrentUser(ctx)
}

func (p *program) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

// printJSON prints value on one line.
func (p *program) printJSON(value any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false) // links are to be read and copied
	return encoder.Encode(value)
}

// output is standard output. It remembers the first error, so that a full disk
// does not look like success.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	n, err := o.w.Write(text)
	if err != nil {
		o.err = errors.Join(o.err, fmt.Errorf("writing the output: %w", err))
	}
	return n, err
}
