// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// How long to wait for plexauthd to say how the pairing ended: after the code has
// expired, when plexauthd asks plex.tv a last time, and after a cancellation.
const (
	lastWordTimeout  = 30 * time.Second
	cancelledTimeout = 5 * time.Second
)

// Events of a login other than the end of its pairing.
const (
	eventGone = "daemon-gone"
	eventBack = "daemon-back"
)

// login is one sign-in.
type login struct {
	loginView
	program *program
	client  *client.Client // may ask for a password
	clock   clockwork.Clock
	options client.PinOptions

	watch       *client.Watch
	signedIn    bool // when the login began
	pairing     client.Pairing
	joined      bool // somebody else has begun the pairing
	gone        bool // the daemon is away
	interrupted bool // by Ctrl-C
}

func (p *program) loginCommand() *cobra.Command {
	var options client.PinOptions
	qr := qrAuto
	command := p.asking("login", "Sign in: show a code, wait until somebody has entered it at plex.tv", func(ctx context.Context, c *client.Client) error {
		view := newLoginView(p, qr)
		defer view.leave()
		l := &login{loginView: view, program: p, client: c.Interactive(), clock: p.clock, options: options}
		return l.run(ctx)
	})
	command.Flags().BoolVar(&options.Strong, "strong", false, "a long code that only the QR code or its link carries")
	command.Flags().BoolVar(&options.Force, "force", false, "a new code even if somebody is signed in or another code waits")
	command.Flags().Var(&qr, "qr", "draw the QR code: always, never, or auto (on a terminal that is large enough)")
	completeFlag(command, "qr", oneOf(string(qrAuto), string(qrAlways), string(qrNever)))
	return command
}

func (l *login) run(ctx context.Context) error {
	// The subscription outlives Ctrl-C: it tells how the pairing ends then.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var err error
	if l.watch, err = l.client.Watch(watching); err != nil {
		return err
	}
	s, err := l.firstStatus(ctx)
	if err != nil {
		return err
	}
	if l.signedIn = s.Authenticated; l.signedIn && !l.options.Force {
		return l.showSignedIn(l.user(ctx), true)
	}
	for before := s.Pin.ID; ; before = 0 {
		if l.pairing, err = l.client.RequestPin(ctx, l.options); err != nil {
			return err
		}
		l.joined = !l.options.Force && l.pairing.ID == before
		if err := l.showPairing(l.pairing, l.joined); err != nil {
			return err
		}
		result, err := l.wait(ctx)
		if err == nil && result == client.PinTimedOut {
			result, err = l.askForAnother(ctx)
		}
		if err != nil {
			return err
		}
		if result != "" {
			return l.finish(watching, result)
		}
	}
}

// askForAnother offers a new code after one that has expired. It returns "" if
// somebody wants one, and otherwise how the login ends.
func (l *login) askForAnother(ctx context.Context) (client.Result, error) {
	wanted := l.offer()
	if wanted == nil {
		return client.PinTimedOut, nil
	}
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-wanted:
			l.options.Force = false // somebody else may have begun a pairing
			return "", nil
		case <-l.changed():
			l.countdown(0)
		case event, ok := <-l.watch.Events:
			switch {
			case !ok:
				return "", l.watch.Err()
			case event.Kind == client.AuthChanged && event.Authenticated:
				return client.PinClaimed, nil
			}
		}
	}
}

// firstStatus gives the daemon's status as of the subscription.
func (l *login) firstStatus(ctx context.Context) (client.Status, error) {
	for {
		select {
		case <-ctx.Done():
			return client.Status{}, ctx.Err()
		case event, ok := <-l.watch.Events:
			if !ok {
				return client.Status{}, l.watch.Err()
			}
			if event.Kind == client.Snapshot {
				return event.Status, nil
			}
			// Where the bus can start the daemon, a call makes it do so.
			if _, err := l.program.state(ctx, l.client); err != nil {
				return client.Status{}, err
			}
		}
	}
}

// wait returns how the pairing ended.
func (l *login) wait(ctx context.Context) (client.Result, error) {
	ticker := l.clock.NewTicker(time.Second)
	defer ticker.Stop()
	deadline := l.clock.NewTimer(l.left())
	defer deadline.Stop()
	expired, interrupt := false, ctx.Done()
	for {
		l.countdown(l.left())
		select {
		case <-ticker.Chan():
		case <-l.changed():
		case <-interrupt:
			interrupt = nil
			l.leave() // so that a second Ctrl-C leaves the terminal restored, too
			if err := l.cancel(context.WithoutCancel(ctx)); err != nil {
				return "", err
			}
			deadline.Reset(cancelledTimeout)
			expired = true
		case <-deadline.Chan():
			if expired || l.gone {
				return "", l.noLastWord()
			}
			deadline.Reset(lastWordTimeout)
			expired = true
		case event, ok := <-l.watch.Events:
			if !ok {
				return "", l.watch.Err()
			}
			if result, err := l.take(ctx, event); result != "" || err != nil {
				return result, err
			}
		}
	}
}

func (l *login) left() time.Duration { return max(0, l.pairing.ExpiresAt.Sub(l.clock.Now())) }

// take returns the result of the pairing if the event tells it.
func (l *login) take(ctx context.Context, e client.Event) (client.Result, error) {
	switch {
	case e.Kind == client.PinEnded && e.PinID == l.pairing.ID:
		return e.Result, nil
	case e.Kind == client.Gone:
		l.gone = true
		return "", l.note(eventGone, "plexauthd has stopped; waiting for it to come back")
	case e.Kind == client.Snapshot && l.gone:
		l.gone = false
		if err := l.note(eventBack, "plexauthd is back"); err != nil {
			return "", err
		}
		if e.Status.Pin.ID != l.pairing.ID {
			return l.missed(ctx, e.Status), nil
		}
	}
	return "", nil
}

// missed finds out how a pairing ended while plexauthd was away, "" if it has not.
func (l *login) missed(ctx context.Context, s client.Status) client.Result {
	claimed, _, err := l.client.CheckPin(ctx, l.pairing.ID)
	code := client.CodeOf(err)
	// plexauthd remembers the ends of its own run only.
	forgotten := code == client.NotFound
	switch {
	case claimed, forgotten && s.Authenticated && !l.signedIn:
		return client.PinClaimed
	case code == client.PinExpired, forgotten && l.left() == 0:
		return client.PinTimedOut
	case forgotten:
		return client.PinCancelled
	default:
		return ""
	}
}

// cancel ends the pairing if this login has begun it. How it has ended comes as
// an event: somebody may have claimed it at the last moment.
func (l *login) cancel(ctx context.Context) error {
	l.interrupted = true
	if l.joined {
		return &ending{exitFailed, "cancelled; the code was there before and stays valid"}
	}
	ctx, stop := context.WithTimeout(ctx, cancelledTimeout)
	defer stop()
	err := l.client.CancelPin(ctx, l.pairing.ID)
	if err == nil || client.CodeOf(err) == client.NotFound {
		return nil
	}
	return &ending{exitFailed, "cancelled, but plexauthd could not be told, and the code stays valid until " +
		l.pairing.ExpiresAt.Format(time.TimeOnly) + ": " + err.Error()}
}

func (l *login) noLastWord() error {
	switch {
	case l.interrupted:
		return &ending{exitFailed, "cancelled"}
	case l.gone:
		return &ending{exitFailed, "the code has expired while plexauthd was not running: start it and run plexauthctl login again"}
	default:
		return &ending{exitFailed, "plexauthd does not say how the pairing ended: see systemctl status plexauthd"}
	}
}

func (l *login) finish(ctx context.Context, result client.Result) error {
	if result == client.PinClaimed {
		return l.showSignedIn(l.user(ctx), false)
	}
	if err := l.note(string(result), ""); err != nil {
		return err
	}
	switch {
	case result == client.PinTimedOut:
		return &ending{exitFailed, "the code expired before anybody entered it: run plexauthctl login again"}
	case result == client.PinCancelled && l.interrupted:
		return &ending{exitFailed, "cancelled"}
	case result == client.PinCancelled:
		return &ending{exitFailed, "somebody else has cancelled the pairing: run plexauthctl login again"}
	default:
		return &ending{exitFailed, "the pairing has failed: see journalctl -u plexauthd"}
	}
}

// user returns who is signed in, the zero User if that is not known: being signed
// in is what counts.
func (l *login) user(ctx context.Context) client.User {
	u, _ := l.program.user(ctx, l.client)
	return u
}
