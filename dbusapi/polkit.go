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

// How long polkit may take: at once where it only looks at rules, longer where
// a person must type a password.
const (
	polkitTimeout            = 5 * time.Second
	polkitInteractiveTimeout = 2 * time.Minute
)

// polkitSubject is polkit's (sa{sv}).
type polkitSubject struct {
	Kind    string
	Details map[string]dbus.Variant
}

// byName names a caller to polkit, which asks the bus for the process.
func byName(caller string) polkitSubject {
	return polkitSubject{"system-bus-name", map[string]dbus.Variant{"name": dbus.MakeVariant(caller)}}
}

// byProcess names a caller to polkit 126 and newer. Unlike a process id, which
// the next process gets when the caller's has ended, a descriptor stays with the
// one process.
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
var errChallenge = errors.New("somebody has to authenticate first")

// askPolkit returns nil if polkit lets the caller do what a stands for.
func (g *gate) askPolkit(ctx context.Context, c *call, a action) error {
	who, process, err := g.processOf(ctx, c.sender)
	if err == nil && process != nil {
		defer process.Close()
		err = g.authorize(ctx, c, a, byProcess(process, who))
	}
	// An older polkit fails at the missing process id.
	var failed dbus.Error
	if process == nil || (errors.As(err, &failed) && failed.Name == polkit+".Error.Failed") {
		err = g.authorize(ctx, c, a, byName(c.sender))
	}
	return err
}

// processOf asks the bus for the caller's process, to be closed. It is nil if
// the bus gives none.
func (g *gate) processOf(ctx context.Context, caller string) (identity, *os.File, error) {
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, answerOfBus)
	defer cancel()
	return g.bus.credentials(ctx, caller)
}

// authorize asks what the rules say, and the person at the screen only if the
// rules want that and the caller's message allows it: so a polkit that does not
// answer costs nobody the time that a person gets.
func (g *gate) authorize(ctx context.Context, c *call, a action, subject polkitSubject) error {
	err := g.checkAuthorization(ctx, subject, a, 0, polkitTimeout)
	if errors.Is(err, errChallenge) && c.interactive {
		err = g.checkAuthorization(ctx, subject, a, allowInteraction, polkitInteractiveTimeout)
	}
	return err
}

// allowInteraction is a flag of CheckAuthorization.
const allowInteraction = 1

// checkAuthorization calls org.freedesktop.PolicyKit1.Authority.
func (g *gate) checkAuthorization(ctx context.Context, subject polkitSubject, a action, flags uint32, patience time.Duration) error {
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, patience)
	defer cancel()
	answer, err := g.bus.ask(ctx, polkit, polkitPath, polkit+".Authority", "CheckAuthorization",
		subject, string(a), map[string]string{}, flags, "")
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
