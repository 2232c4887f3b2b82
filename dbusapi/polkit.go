// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"
)

// How long polkit may take to evaluate its rules, and how long if a person must
// type a password.
const (
	polkitTimeout            = 5 * time.Second
	polkitInteractiveTimeout = 2 * time.Minute
)

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
func (a *authorizer) askPolkit(ctx context.Context, c *call, act action) error {
	who, process, err := a.processOf(ctx, c.sender)
	if err == nil && process != nil {
		defer process.Close()
		err = a.authorize(ctx, c, act, byProcess(process, who))
	}
	// An older polkit fails at the missing process id.
	var failed dbus.Error
	if process == nil || (errors.As(err, &failed) && failed.Name == polkit+".Error.Failed") {
		err = a.authorize(ctx, c, act, byName(c.sender))
	}
	return err
}

// processOf asks the bus for the caller's process. Close it; it is nil if the bus
// passes none.
func (a *authorizer) processOf(ctx context.Context, caller string) (identity, *os.File, error) {
	ctx, cancel := clockwork.WithTimeout(ctx, a.clock, answerOfBus)
	defer cancel()
	return a.bus.credentials(ctx, caller)
}

// authorize asks polkit without interaction first, and with it only if the rules
// require authentication and the call allows that. So the long timeout, for a
// person, never applies to a polkit that does not answer.
func (a *authorizer) authorize(ctx context.Context, c *call, act action, subject polkitSubject) error {
	err := a.checkAuthorization(ctx, subject, act, 0, polkitTimeout)
	if errors.Is(err, errChallenge) && c.interactive {
		err = a.checkAuthorization(ctx, subject, act, allowInteraction, polkitInteractiveTimeout)
	}
	return err
}

// allowInteraction is a flag of CheckAuthorization.
const allowInteraction = 1

// checkAuthorization calls org.freedesktop.PolicyKit1.Authority.
func (a *authorizer) checkAuthorization(ctx context.Context, subject polkitSubject, act action, flags uint32, timeout time.Duration) error {
	ctx, cancel := clockwork.WithTimeout(ctx, a.clock, timeout)
	defer cancel()
	answer, err := a.bus.ask(ctx, polkit, polkitPath, polkit+".Authority", "CheckAuthorization",
		subject, string(act), map[string]string{}, flags, "")
	if err != nil {
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
