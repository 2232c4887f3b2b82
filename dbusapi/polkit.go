// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/timelimit"
)

// question is a way to ask polkit: the flags of CheckAuthorization.
type question uint32

// A person is asked only if the rules require authentication and the call allows
// that. So the long timeout, for typing a password, never applies to a polkit that
// does not answer.
const (
	askRules  question = 0
	askPerson question = 1 // AllowUserInteraction
)

func (q question) timeout() time.Duration {
	if q == askPerson {
		return 2 * time.Minute
	}
	return 5 * time.Second
}

// polkitSubject is polkit's (sa{sv}).
type polkitSubject struct {
	Kind    string
	Details map[string]dbus.Variant
}

// byName identifies a caller by its bus name; polkit asks the bus for the process.
func byName(caller string) polkitSubject {
	return polkitSubject{"system-bus-name", map[string]dbus.Variant{"name": dbus.MakeVariant(caller)}}
}

// byProcess identifies a caller to polkit 126 and newer by a process descriptor,
// which unlike a process id is never reused.
func byProcess(process *os.File, who identity) polkitSubject {
	return polkitSubject{"unix-process", map[string]dbus.Variant{
		"pidfd": dbus.MakeVariant(dbus.UnixFD(process.Fd())),
		"uid":   dbus.MakeVariant(int32(who.uid)),
	}}
}

// polkitResult is polkit's (bba{ss}).
type polkitResult struct {
	Authorized, Challenge bool
	Details               map[string]string
}

// errChallenge is polkit's "not without authentication".
var errChallenge = errors.New("authentication is required")

// askPolkit returns nil if polkit allows the caller to perform act.
func (a *authorizer) askPolkit(ctx context.Context, caller string, act action, q question) error {
	who, process, err := a.processOf(ctx, caller)
	if err == nil && process != nil {
		defer process.Close()
		err = a.checkAuthorization(ctx, byProcess(process, who), act, q)
	}
	// An older polkit fails at the missing process id.
	var failed dbus.Error
	if process == nil || (errors.As(err, &failed) && failed.Name == polkit+".Error.Failed") {
		err = a.checkAuthorization(ctx, byName(caller), act, q)
	}
	return err
}

// processOf asks the bus for the caller's process. Close it; it is nil if the bus
// passes none.
func (a *authorizer) processOf(ctx context.Context, caller string) (identity, *os.File, error) {
	ctx, cancel := timelimit.With(ctx, a.clock, answerOfBus)
	defer cancel()
	return a.bus.credentials(ctx, caller)
}

// checkAuthorization calls org.freedesktop.PolicyKit1.Authority. It withdraws a
// question to a person who has not answered it in time, or whose answer nobody waits
// for: otherwise polkit keeps the dialog open, and the bus counts the question as
// unanswered.
func (a *authorizer) checkAuthorization(ctx context.Context, subject polkitSubject, act action, q question) error {
	ctx, cancel := timelimit.With(ctx, a.clock, q.timeout())
	defer cancel()
	id := ""
	if q == askPerson {
		id = strconv.FormatUint(a.prompts.Add(1), 10)
	}
	answer, err := a.bus.ask(ctx, polkit, polkitPath, polkit+".Authority", "CheckAuthorization",
		subject, string(act), map[string]string{}, uint32(q), id)
	if err != nil {
		if id != "" && ctx.Err() != nil {
			a.bus.tell(polkit, polkitPath, polkit+".Authority", "CancelCheckAuthorization", id)
		}
		return err
	}
	var result polkitResult
	switch err := dbus.Store(answer, &result); {
	case err != nil:
		return err
	case result.Authorized:
		return nil
	case result.Challenge:
		return errChallenge
	default:
		return errors.New("not authorized")
	}
}
