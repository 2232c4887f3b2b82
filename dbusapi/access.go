package dbusapi

import (
	"context"
	"errors"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"
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

// How long polkit may take: at once where it only looks at rules, longer where
// a person must type a password.
const (
	polkitTimeout            = 5 * time.Second
	polkitInteractiveTimeout = 2 * time.Minute
)

// identity is who a caller is, as the bus reports it.
type identity struct {
	uid    uint32
	groups []uint32
}

// gate decides who may call. What it cannot check it refuses.
type gate struct {
	bus         *directory
	onSystemBus bool // polkit is asked there, and elsewhere the daemon's own user may call
	clock       clockwork.Clock
	findGroup   func(name string) (*user.Group, error)

	mu    sync.Mutex
	known map[string]identity // by unique name, which a bus never gives twice
	group *uint32             // the access group's number once it has been found
}

// rememberedCallers bounds gate.known: more do not call beside each other on a box,
// and scripts that call once and go would make it grow for days. All are forgotten
// together then, which costs a question to the bus for each who calls again.
const rememberedCallers = 256

func newGate(bus *directory, onSystemBus bool, clock clockwork.Clock) *gate {
	return &gate{
		bus: bus, onSystemBus: onSystemBus, clock: clock, findGroup: user.LookupGroup, known: map[string]identity{},
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
		return false, accessDenied("the bus does not say who is calling: %v", err)
	case g.trusted(who):
		return true, nil
	case !g.onSystemBus:
		return false, accessDenied("only root, members of the group %s and the daemon's own user may call", AccessGroup)
	default:
		return false, nil
	}
}

// isRoot reports whether the caller is root.
func (g *gate) isRoot(ctx context.Context, sender string) bool {
	who, err := g.identify(ctx, []byte(sender))
	return err == nil && who.uid == 0
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

// identify asks the bus, which got user and groups from the kernel when the
// caller connected.
func (g *gate) identify(ctx context.Context, sender []byte) (identity, error) {
	g.mu.Lock()
	who, ok := g.known[string(sender)]
	g.mu.Unlock()
	if ok {
		return who, nil
	}
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, answerOfBus)
	defer cancel()
	var reported map[string]dbus.Variant
	if err := g.bus.ask(ctx, theBus, busPath, theBus+".GetConnectionCredentials", string(sender)).Store(&reported); err != nil {
		return identity{}, err
	}
	uid, ok := reported["UnixUserID"].Value().(uint32)
	if !ok {
		return identity{}, errors.New("no user id")
	}
	// Buses before 2018 report no groups: then only users count.
	groups, _ := reported["UnixGroupIDs"].Value().([]uint32)
	who = identity{uid: uid, groups: groups}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= rememberedCallers {
		clear(g.known)
	}
	g.known[string(sender)] = who
	return who, nil
}

// polkitSubject is polkit's (sa{sv}).
type polkitSubject struct {
	Kind    string
	Details map[string]dbus.Variant
}

// polkitResult is polkit's (bba{ss}).
type polkitResult struct {
	Authorized, Challenge bool
	Details               map[string]string
}

// errChallenge is polkit's "not without authentication".
var errChallenge = errors.New("somebody has to authenticate first")

// askPolkit returns nil if polkit lets the caller do what a stands for. It asks what the rules say, and the person at the screen only if the
// rules want that and the caller's message allows it: so a polkit that does not
// answer costs nobody the time that a person gets.
func (g *gate) askPolkit(ctx context.Context, c *call, a action) error {
	err := g.checkAuthorization(ctx, c, a, 0, polkitTimeout)
	if errors.Is(err, errChallenge) && c.interactive {
		err = g.checkAuthorization(ctx, c, a, allowInteraction, polkitInteractiveTimeout)
	}
	if err != nil {
		return accessDenied("only root and members of the group %s may call, and polkit does not allow %s: %v", AccessGroup, a, err)
	}
	return nil
}

// allowInteraction is a flag of CheckAuthorization.
const allowInteraction = 1

// checkAuthorization calls org.freedesktop.PolicyKit1.Authority.
func (g *gate) checkAuthorization(ctx context.Context, c *call, a action, flags uint32, patience time.Duration) error {
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, patience)
	defer cancel()
	subject := polkitSubject{"system-bus-name", map[string]dbus.Variant{"name": dbus.MakeVariant(c.sender)}}
	var result polkitResult
	err := g.bus.ask(ctx, polkit, polkitPath, polkit+".Authority.CheckAuthorization",
		subject, string(a), map[string]string{}, flags, "").Store(&result)
	switch {
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
