// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func (p *program) usersCommand() *cobra.Command {
	return p.asking("users", "List the users of the Plex Home; * marks who uses the box", p.users)
}

// homeUserView is what users --json prints of one user.
type homeUserView struct {
	client.HomeUser
	Current bool `json:"current"` // uses the box
}

func (p *program) users(ctx context.Context, c *client.Client) error {
	users, err := c.Interactive().HomeUsers(ctx)
	if err != nil {
		return err
	}
	current, err := p.user(ctx, c)
	if err != nil && client.CodeOf(err) != client.AccessDenied {
		return err
	}
	views := make([]homeUserView, 0, len(users))
	for _, u := range users {
		views = append(views, homeUserView{u, u.UUID == current.UUID})
	}
	if p.json {
		return p.printJSON(views)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, view := range views {
		mark := map[bool]string{true: "*", false: " "}[view.Current]
		_, _ = fmt.Fprintf(table, "%s %s\t%s\t%s\n", mark, plain(view.Title), homeWords(view.HomeUser), plain(view.UUID))
	}
	return table.Flush()
}

// homeWords says what a user is in the home.
func homeWords(u client.HomeUser) string {
	var words []string
	for _, is := range []struct {
		true bool
		word string
	}{{u.Admin, "admin"}, {u.Guest, "guest"}, {u.Restricted, "managed"}, {u.Protected, "PIN"}} {
		if is.true {
			words = append(words, is.word)
		}
	}
	return strings.Join(words, ", ")
}

func (p *program) switchCommand() *cobra.Command {
	var name string
	command := p.asking("switch USER", "Switch to another user of the Plex Home; asks for the PIN", func(ctx context.Context, c *client.Client) error {
		return p.switchUser(ctx, c.Interactive(), name)
	})
	command.Long = `Let another user of the Plex Home use the box: USER is the name or the UUID that
plexauthctl users lists. The PIN of a protected user is asked for on the terminal,
or read from standard input if that is not a terminal.`
	command.ValidArgsFunction = p.asked(homeUserNames)
	command.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("name one user: a name or UUID from plexauthctl users")
		}
		name = args[0]
		return nil
	}
	return command
}

func (p *program) switchUser(ctx context.Context, c *client.Client, name string) error {
	users, err := c.HomeUsers(ctx)
	if err != nil {
		return err
	}
	user, err := homeUserNamed(users, name)
	if err != nil {
		return err
	}
	pin := secret.String{}
	if user.Protected {
		if pin, err = p.askPIN(ctx, user.Title); err != nil {
			return err
		}
	}
	err = c.SwitchUser(ctx, user.UUID, pin)
	switch client.CodeOf(err) {
	case client.PinRejected:
		return &ending{exitFailed, "the PIN is wrong"}
	case client.RateLimited:
		return &ending{exitFailed, "not now: " + err.Error()}
	}
	switch {
	case err != nil:
		return err
	case p.json:
		return p.printJSON(homeUserView{user, true})
	}
	p.printf("%s uses the box now\n", plain(user.Title))
	return nil
}

// homeUserNamed finds a user: by UUID, by name, or by name without regard to upper
// and lower case if that leaves just one.
func homeUserNamed(users []client.HomeUser, name string) (client.HomeUser, error) {
	for _, fits := range []func(client.HomeUser) bool{
		func(u client.HomeUser) bool { return u.UUID == name },
		func(u client.HomeUser) bool { return u.Title == name },
		func(u client.HomeUser) bool { return strings.EqualFold(u.Title, name) },
	} {
		var found []client.HomeUser
		for _, u := range users {
			if fits(u) {
				found = append(found, u)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return client.HomeUser{}, &ending{exitFailed, fmt.Sprintf("several users are called %q: name one by the UUID from plexauthctl users", name)}
		}
	}
	return client.HomeUser{}, &ending{exitFailed, fmt.Sprintf("the Plex Home has no user %q: see plexauthctl users", name)}
}
