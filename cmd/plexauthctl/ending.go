// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// Exit statuses.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitSignedOut = 3
)

// ending is an end other than success: the exit status, and what is said about
// it on standard error, if anything.
type ending struct {
	status int
	text   string
}

// Error implements error.
func (e *ending) Error() string { return e.text }

// report tells how a run ended and returns the exit status.
func (p *program) report(err error) int {
	if err == nil {
		return exitDone
	}
	var end *ending
	switch {
	case errors.As(err, &end):
	case !p.started:
		end = &ending{exitUsage, err.Error() + "; see plexauthctl --help"}
	default:
		end = p.explain(err)
	}
	if end.text != "" {
		_, _ = fmt.Fprintln(p.stderr, "plexauthctl:", plain(end.text))
	}
	return end.status
}

// explain says what to do about an error.
func (p *program) explain(err error) *ending {
	text := err.Error()
	switch client.CodeOf(err) {
	case client.NotRunning:
		return &ending{exitFailed, p.startHint(err)}
	case client.NoReply:
		return &ending{exitFailed, "plexauthd has stopped before it answered: try again, or see journalctl -u plexauthd"}
	case client.AccessDenied:
		return &ending{exitFailed, "this user may not do that: join the group plexauth (usermod -aG plexauth NAME) and log in again: " + text}
	case client.Disconnected:
		return &ending{exitFailed, text + ": check that D-Bus runs, or name another bus with --bus"}
	case client.AuthRequired:
		return &ending{exitSignedOut, "nobody is signed in: sign in with plexauthctl login"}
	case client.AuthInvalid:
		return &ending{exitSignedOut, "Plex has ended the sign-in: sign in again with plexauthctl login"}
	case client.UserLocked:
		return &ending{exitSignedOut, "the user of the Plex Home has to enter the PIN again: plexauthctl switch, with the name of that user or another"}
	case client.Forbidden:
		return &ending{exitFailed, "Plex does not allow this user to do that: " + text}
	case client.NoServerToken:
		return &ending{exitFailed, "this user has no access to that media server: " + text}
	case client.RateLimited, client.ServerError:
		return &ending{exitFailed, "plex.tv is busy or has a fault, try again later: " + text}
	case client.Unreachable:
		return &ending{exitFailed, "plex.tv cannot be reached, check the network: " + text}
	case client.InvalidResponse:
		return &ending{exitFailed, "what answers is not plex.tv, check for a captive portal: " + text}
	case client.StorageFailed:
		return &ending{exitFailed, "plexauthd cannot write its state, check its directory and the disk: " + text}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &ending{exitFailed, "cancelled"}
	case errors.Is(err, context.DeadlineExceeded):
		return &ending{exitFailed, "no answer in time, see systemctl status plexauthd dbus: " + text}
	}
	return &ending{exitFailed, text}
}

func (p *program) startHint(err error) string {
	unit := client.UnitOf(err)
	switch {
	case unit != nil && unit.Masked():
		return "plexauthd.service is masked, so nothing can start it: if it is to run, systemctl unmask plexauthd"
	case unit != nil && unit.Stopped():
		return "plexauthd.service is stopped: start it with systemctl start plexauthd"
	case unit != nil:
		return unit.String() + ": see journalctl -x -u plexauthd"
	case p.bus == "system":
		return "plexauthd is not running: start it with systemctl start plexauthd"
	default:
		return fmt.Sprintf("plexauthd is not on this bus: start it with plexauthd --bus %s", p.bus)
	}
}

// plain makes text from elsewhere safe to print on one line of a terminal, which
// obeys control characters.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d': // joiners, of Persian and of families of emoji
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
