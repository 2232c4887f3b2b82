// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/timelimit"
	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// action is a polkit action; every method needs one.
type action string

const (
	pair            action = names.Main + ".pair"
	readCredentials action = names.Main + ".read-credentials"
	manage          action = names.Main + ".manage"
)

// authorizer decides who may call. Callers that it cannot check are refused.
type authorizer struct {
	bus         *directory
	group       *group
	onSystemBus bool // polkit is asked there, and elsewhere the daemon's own user may call
	clock       clockwork.Clock
	log         *slog.Logger
	blind       atomic.Bool // the bus does not identify callers, which has been logged

	prompts atomic.Uint64 // how many times a person has been asked

	mu    sync.Mutex
	known map[string]identity // by unique name, which a bus never gives twice
}

// rememberedCallers bounds authorizer.known. A box has fewer callers at a time, but
// scripts that call once and exit would let it grow for days. A full map is
// cleared, which costs one question to the bus for each caller that calls again: ten
// times the processor time of a call that asks nothing.
const rememberedCallers = 1024

func newAuthorizer(bus *directory, group *group, onSystemBus bool, clock clockwork.Clock, log *slog.Logger) *authorizer {
	return &authorizer{bus: bus, group: group, onSystemBus: onSystemBus, clock: clock, log: log, known: map[string]identity{}}
}

// whoIs returns who the caller is. Its errors are for the caller.
func (a *authorizer) whoIs(ctx context.Context, sender []byte) (identity, error) {
	who, err := a.identify(ctx, sender)
	if err != nil {
		return identity{}, a.unidentified(ctx, err)
	}
	return who, nil
}

// trusts reports whether that user may call every member, as far as can be decided
// without waiting. If it returns false, ask permit.
func (a *authorizer) trusts(who identity) bool {
	if who.uid == 0 || (!a.onSystemBus && who.uid == uint32(os.Getuid())) {
		return true
	}
	gid, ok := a.group.known()
	return ok && slices.Contains(who.groups, gid)
}

// permit returns nil if a caller that trusts did not allow may perform act: the group
// may be known to NSS only, and polkit may allow the call. The error wraps
// [errChallenge] if prompt may allow it.
func (a *authorizer) permit(ctx context.Context, sender string, act action) error {
	if gid, err := a.group.find(); err == nil {
		who, err := a.whoIs(ctx, []byte(sender))
		if err != nil {
			return err
		}
		if slices.Contains(who.groups, gid) {
			return nil
		}
	}
	if !a.onSystemBus {
		return accessDenied("only root, members of the group %s and the daemon's own user may call", accessgroup.Name)
	}
	return refusedBy(a.askPolkit(ctx, sender, act, askRules), act)
}

// prompt returns nil if a person whom polkit asks allows the caller to perform act.
func (a *authorizer) prompt(ctx context.Context, sender string, act action) error {
	return refusedBy(a.askPolkit(ctx, sender, act, askPerson), act)
}

// refusedBy is polkit's error as the caller is told it.
func refusedBy(polkit error, act action) error {
	if polkit == nil {
		return nil
	}
	denied := accessDenied("only root and members of the group %s may call, and polkit does not allow %s: %v", accessgroup.Name, act, polkit)
	if errors.Is(polkit, errChallenge) {
		return errors.Join(denied, errChallenge)
	}
	return denied
}

// mustBeRoot returns nil if the caller is root.
func (a *authorizer) mustBeRoot(ctx context.Context, sender []byte) error {
	who, err := a.whoIs(ctx, sender)
	if err == nil && who.uid != 0 {
		err = accessDenied("only root may do this")
	}
	return err
}

// unidentified is the error for a caller that the bus does not identify. One that
// has left the bus is not a fault. Any other failure concerns all callers, and must
// not look as if this one lacked permission.
func (a *authorizer) unidentified(ctx context.Context, err error) error {
	var named dbus.Error
	if errors.As(err, &named) && named.Name == names.ErrNameHasNoOwner {
		return accessDenied("the caller has left the bus")
	}
	if ctx.Err() == nil && a.blind.CompareAndSwap(false, true) {
		a.log.Error("the bus does not identify callers, so all calls are refused", "error", err, "message_id", MessageBlind)
	}
	return dbus.NewError(names.ErrFailed, []any{fmt.Sprintf("the bus does not identify callers, so all calls are refused: %v", err)})
}

// answerOfBus is much longer than a bus takes to answer a question itself.
const answerOfBus = 5 * time.Second

// identify returns who the caller is. It asks the bus about callers that it does
// not remember.
func (a *authorizer) identify(ctx context.Context, sender []byte) (identity, error) {
	a.mu.Lock()
	who, ok := a.known[string(sender)]
	a.mu.Unlock()
	if ok {
		return who, nil
	}
	ctx, cancel := timelimit.With(ctx, a.clock, answerOfBus)
	defer cancel()
	who, process, err := a.bus.credentials(ctx, string(sender))
	_ = process.Close() // polkit gets one of its own
	if err != nil {
		return identity{}, err
	}
	a.blind.Store(false)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= rememberedCallers {
		clear(a.known)
	}
	a.known[string(sender)] = who
	return who, nil
}
