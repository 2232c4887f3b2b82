// SPDX-License-Identifier: Apache-2.0

// Command go signs this box in to Plex: shows a code, waits, says who it is.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// say is what to tell a person; other failures speak for themselves.
var say = map[client.Code]string{
	client.Unreachable:     "Plex cannot be reached. Is the network up?",
	client.InvalidResponse: "Plex cannot be reached. Does the network want you to log in first?",
	client.ServerError:     "Plex has a problem. Trying again.",
	client.RateLimited:     "Plex is busy. Trying again.",
	client.UserLocked:      "Who is watching? plexauthctl switch asks for the PIN.",
	client.Forbidden:       "Plex does not allow this user to do that.",
	client.AccessDenied:    "You may not sign this box in. Join the group plexauth.",
	client.NotRunning:      "Waiting for plexauthd.",
	client.NoReply:         "Waiting for plexauthd.",
}

// patience is for plexauthd: where plex.tv is asked, it answers within 20 s.
const patience = 30 * time.Second

func main() {
	bus := flag.String("bus", "system", "system, session or an address")
	again := flag.Int("again", 5, "seconds until what failed is tried again")
	watch := flag.Bool("watch", false, "keep watching after the sign-in")
	withToken := flag.Bool("with-token", false, "print the token, which gives access to the account")
	flag.Parse()

	if err := signIn(context.Background(), *bus, time.Duration(*again)*time.Second, *watch, *withToken); err != nil {
		log.Fatal(err)
	}
}

func signIn(ctx context.Context, bus string, pause time.Duration, goOn, withToken bool) error {
	plex, err := client.Dial(ctx, bus)
	if err != nil {
		return err
	}
	defer plex.Close()
	watch, err := plex.Watch(ctx)
	if err != nil {
		return err
	}
	// The bus starts the daemon for this, where it can.
	starting, started := context.WithTimeout(ctx, patience)
	_, _ = plex.State(starting)
	started()
	again := time.NewTicker(pause)
	defer again.Stop()
	event, shown := client.Event{Kind: client.Gone}, "" // for a daemon that answers nothing
	select {
	case event = <-watch.Events:
	case <-again.C:
	}
	for {
		text, done := shownBy(ctx, plex, event, withToken)
		if text != shown {
			fmt.Println(text)
			shown = text
		}
		if done && !goOn {
			return nil
		}
		var ok bool
		select {
		case <-again.C:
		case event, ok = <-watch.Events:
			if !ok {
				return watch.Err()
			}
		}
	}
}

// shownBy gives what to show after an event, within a time that nobody minds, and
// whether somebody is signed in.
func shownBy(ctx context.Context, plex *client.Client, event client.Event, withToken bool) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, done, err := face(ctx, plex, event, withToken)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return say[client.NoReply], false
	case err != nil:
		return cmp.Or(say[client.CodeOf(err)], err.Error()), false
	}
	return text, done
}

// face is what to show after an event, and whether somebody is signed in.
func face(ctx context.Context, plex *client.Client, event client.Event, withToken bool) (string, bool, error) {
	status := event.Status
	switch {
	case event.Kind == client.Gone:
		return say[client.NotRunning], false, nil
	case status.Authenticated:
		user, err := plex.CurrentUser(ctx)
		// Empty for a moment after a sign-in, and if the sign-out was faster than this.
		text := "Signed in as " + cmp.Or(user.Title, "somebody")
		if err != nil || !withToken {
			return text, true, err
		}
		token, err := plex.Token(ctx)
		return text + ", token " + token.Reveal(), true, err
	}
	if status.State == client.Locked { // in a player, the list of users
		return say[client.UserLocked], false, nil
	}
	pin := status.Pin
	if pin.ID == 0 { // somebody started this program to sign in; in a player it is a button
		var err error
		if pin, err = plex.RequestPin(ctx, client.PinOptions{}); err != nil {
			return "", false, err
		}
	}
	return "Go to " + pin.LinkURI + " and enter " + pin.Code, false, nil
}
