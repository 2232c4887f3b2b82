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
	bus    dbus.BusObject
	polkit dbus.BusObject // nil where polkit is not asked: off the system bus
	ownUID bool           // whether the daemon's own user may call: off the system bus
	clock  clockwork.Clock

	mu    sync.Mutex
	known map[string]identity // by unique name, which a bus never gives twice
	group *uint32             // the access group's number once it has been found
}

// rememberedCallers bounds gate.known; the bus's own limit of connections is lower.
const rememberedCallers = 4096

func newGate(conn *dbus.Conn, systemBus bool, clock clockwork.Clock) *gate {
	g := &gate{bus: conn.BusObject(), ownUID: !systemBus, clock: clock, known: map[string]identity{}}
	if systemBus {
		g.polkit = conn.Object("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority")
	}
	return g
}

// allow returns nil if the caller may do what a stands for.
func (g *gate) allow(ctx context.Context, c *call, a action) error {
	who, err := g.identify(ctx, c.sender)
	if err != nil {
		return accessDenied("the bus does not say who is calling: %v", err)
	}
	if g.trusted(who) {
		return nil
	}
	if g.polkit == nil {
		return accessDenied("only root, members of the group %s and the daemon's own user may call", AccessGroup)
	}
	if err := g.askPolkit(ctx, c, a); err != nil {
		return accessDenied("only root and members of the group %s may call, and polkit does not allow %s: %v", AccessGroup, a, err)
	}
	return nil
}

// allowRoot returns nil if the caller is root.
func (g *gate) allowRoot(ctx context.Context, c *call) error {
	who, err := g.identify(ctx, c.sender)
	if err != nil || who.uid != 0 {
		return accessDenied("only root may do this")
	}
	return nil
}

func (g *gate) trusted(who identity) bool {
	if who.uid == 0 || (g.ownUID && who.uid == uint32(os.Getuid())) {
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
		group, err := user.LookupGroup(AccessGroup)
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

// identify asks the bus, which got user and groups from the kernel when the
// caller connected.
func (g *gate) identify(ctx context.Context, sender string) (identity, error) {
	g.mu.Lock()
	who, ok := g.known[sender]
	g.mu.Unlock()
	if ok {
		return who, nil
	}
	var reported map[string]dbus.Variant
	err := g.bus.CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionCredentials", 0, sender).Store(&reported)
	if err != nil {
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
	g.known[sender] = who
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

// askPolkit asks what the rules say, and the person at the screen only if the
// rules want that and the caller's message allows it: so a polkit that does not
// answer costs nobody the time that a person gets.
func (g *gate) askPolkit(ctx context.Context, c *call, a action) error {
	err := g.checkAuthorization(ctx, c, a, 0, polkitTimeout)
	if errors.Is(err, errChallenge) && c.interactive {
		return g.checkAuthorization(ctx, c, a, allowInteraction, polkitInteractiveTimeout)
	}
	return err
}

// allowInteraction is a flag of CheckAuthorization.
const allowInteraction = 1

// checkAuthorization calls org.freedesktop.PolicyKit1.Authority.
func (g *gate) checkAuthorization(ctx context.Context, c *call, a action, flags uint32, patience time.Duration) error {
	ctx, cancel := clockwork.WithTimeout(ctx, g.clock, patience)
	defer cancel()
	subject := polkitSubject{"system-bus-name", map[string]dbus.Variant{"name": dbus.MakeVariant(c.sender)}}
	var result polkitResult
	err := g.polkit.CallWithContext(ctx, "org.freedesktop.PolicyKit1.Authority.CheckAuthorization", 0,
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
