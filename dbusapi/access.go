package dbusapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// action is a polkit action; every method needs one.
type action string

const (
	pair            action = "tv.retune.PlexAuth1.pair"
	readCredentials action = "tv.retune.PlexAuth1.read-credentials"
	manage          action = "tv.retune.PlexAuth1.manage"
)

// AccessGroup is the group whose members may call every method.
const AccessGroup = "plexauth"

// gate decides who may call. What it cannot check it refuses.
type gate struct {
	bus         *directory
	onSystemBus bool // polkit is asked there, and elsewhere the daemon's own user may call
	clock       clockwork.Clock
	log         *slog.Logger
	blind       atomic.Bool // the bus does not say who is calling, which has been logged
	findGroup   func(name string) (*user.Group, error)

	mu    sync.Mutex
	known map[string]identity // by unique name, which a bus never gives twice
	group *uint32             // the access group's number once it has been found
}

// rememberedCallers bounds gate.known: more do not call beside each other on a box,
// and scripts that call once and go would make it grow for days. All are forgotten
// together then, which costs a question to the bus for each who calls again.
const rememberedCallers = 256

func newGate(bus *directory, onSystemBus bool, clock clockwork.Clock, log *slog.Logger) *gate {
	return &gate{
		bus: bus, onSystemBus: onSystemBus, clock: clock, log: log, findGroup: user.LookupGroup, known: map[string]identity{},
	}
}

// trusts reports whether the caller may do what a stands for. If not, and
// there is no error that says why, polkit has to be asked.
func (g *gate) trusts(ctx context.Context, sender []byte, a action) (bool, error) {
	if a == "" {
		return true, nil
	}
	who, err := g.identify(ctx, sender)
	switch {
	case err != nil:
		return false, g.unidentified(ctx, err)
	case g.trusted(who):
		return true, nil
	case !g.onSystemBus:
		return false, accessDenied("only root, members of the group %s and the daemon's own user may call", AccessGroup)
	default:
		return false, nil
	}
}

// mustBeRoot returns nil if the caller is root.
func (g *gate) mustBeRoot(ctx context.Context, sender string) error {
	who, err := g.identify(ctx, []byte(sender))
	switch {
	case err != nil:
		return g.unidentified(ctx, err)
	case who.uid != 0:
		return accessDenied("only root may do this")
	}
	return nil
}

// unidentified is the error for a caller whom the bus does not tell us about. One
// who has left is no trouble. Otherwise it is the same for all callers, and none
// of them can mend it: it must not look as if this one had no right to call.
func (g *gate) unidentified(ctx context.Context, err error) error {
	var named dbus.Error
	if errors.As(err, &named) && named.Name == names.ErrNameHasNoOwner {
		return accessDenied("the caller has left the bus")
	}
	if ctx.Err() == nil && g.blind.CompareAndSwap(false, true) {
		g.log.Error("the bus does not say who is calling, so all calls are refused", "error", err, "message_id", MessageBlind)
	}
	return dbus.NewError(names.ErrFailed, []any{fmt.Sprintf("the bus does not say who is calling, so all calls are refused: %v", err)})
}

func (g *gate) trusted(who identity) bool {
	if who.uid == 0 || (!g.onSystemBus && who.uid == uint32(os.Getuid())) {
		return true
	}
	gid, ok := g.accessGroup()
	return ok && slices.Contains(who.groups, gid)
}

// accessGroup looks for the group until it is there: it may be added after us.
func (g *gate) accessGroup() (gid uint32, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.group == nil {
		group, err := g.findGroup(AccessGroup)
		if err != nil {
			return 0, false
		}
		number, err := strconv.ParseUint(group.Gid, 10, 32)
		if err != nil {
			return 0, false
		}
		found := uint32(number)
		g.group = &found
	}
	return *g.group, true
}

// answerOfBus is far more time than a bus needs for an answer of its own.
const answerOfBus = 5 * time.Second

// identify asks the bus about callers who are not remembered.
func (g *gate) identify(ctx context.Context, sender []byte) (identity, error) {
	g.mu.Lock()
	who, ok := g.known[string(sender)]
	g.mu.Unlock()
	if ok {
		return who, nil
	}
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, answerOfBus)
	defer cancel()
	who, process, err := g.bus.credentials(ctx, string(sender))
	_ = process.Close() // polkit gets one of its own
	if err != nil {
		return identity{}, err
	}
	g.blind.Store(false)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= rememberedCallers {
		clear(g.known)
	}
	g.known[string(sender)] = who
	return who, nil
}
