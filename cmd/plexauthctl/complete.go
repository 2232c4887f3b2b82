// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// completeTimeout is how long somebody who has pressed Tab is kept waiting.
const completeTimeout = 2 * time.Second

// completion gives what may stand there; a tab separates a word about it.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// oneOf completes to fixed words.
func oneOf(words ...string) completion {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// nothing completes where free text or no argument belongs.
func nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// asked completes to what plexauthd lists, or to nothing if it does not answer in
// time or this user may not call: Tab never asks for a password.
func (p *program) asked(list func(context.Context, *client.Client) []string) completion {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(command.Context(), completeTimeout)
		defer cancel()
		c, err := client.Dial(ctx, p.bus)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer func() { _ = c.Close() }()
		return list(ctx, c), cobra.ShellCompDirectiveNoFileComp
	}
}

func homeUserNames(ctx context.Context, c *client.Client) (names []string) {
	users, _ := c.HomeUsers(ctx) // without an answer there is nothing to offer
	for _, u := range users {
		names = append(names, plain(u.Title)+"\t"+homeWords(u))
	}
	return names
}

func machineIDs(ctx context.Context, c *client.Client) (ids []string) {
	servers, _ := c.Servers(ctx) // as above
	for _, s := range servers {
		ids = append(ids, plain(s.MachineID)+"\t"+plain(s.Name))
	}
	return ids
}

// completeFlag says how to complete a flag that is defined.
func completeFlag(command *cobra.Command, name string, with completion) {
	if err := command.RegisterFlagCompletionFunc(name, with); err != nil {
		panic(err) // there is no such flag: a mistake of ours
	}
}
