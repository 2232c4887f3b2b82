// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/dbusapi/wake"
)

// answerTimeout bounds a call that asks plex.tv. The D-Bus libraries' own
// default is 25 s: a caller should hear that plex.tv is silent, not that we are.
const answerTimeout = 20 * time.Second

// Account is what the service needs of the account. [auth.Account] is the real one.
type Account interface {
	Snapshot() *auth.Snapshot
	Fresh(context.Context) *auth.Snapshot
	IsFresh() bool
	Subscribe(func(auth.Event)) (settle func(context.Context), cancel func())
	RequestPin(context.Context, auth.PinOptions) (auth.Pairing, error)
	CheckPin(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error)
	CancelPin(ctx context.Context, id uint64) error
	Validate(context.Context) (bool, error)
	ValidateToken(context.Context, secret.String) (bool, error)
	Token() (secret.String, error)
	Store(context.Context, auth.Credentials) error
	Clear(context.Context) error
	SignOut(context.Context) (revoked bool, err error)
	SelectServer(context.Context, auth.Server) error
	ListServers(context.Context) ([]auth.MediaServer, error)
	ServerHeaders(ctx context.Context, machineID string) (auth.Headers, error)
	RenewServerHeaders(ctx context.Context, machineID string) (auth.Headers, error)
	ListUsers(context.Context) ([]auth.HomeUser, error)
	SwitchUser(ctx context.Context, uuid string, pin secret.String) error
}

// Options say where and how to serve. Open is required.
type Options struct {
	// Open opens the account. It is called once the bus name is taken: a second
	// daemon must not touch the state of the first.
	Open    func() Account
	Bus     string          // "system", "session" or a D-Bus address
	Version string          // the property Version
	Clock   clockwork.Clock // nil: the real one
	Log     *slog.Logger    // nil: silence
	// LogLevel is what org.freedesktop.LogControl1 shows and sets; nil: a level
	// that nothing follows.
	LogLevel *slog.LevelVar
	// Endpoint returns how plex.tv is reached; nil: callers are not told.
	Endpoint func() plextv.Endpoint
	// Wake, if not nil, is called when the box has resumed from sleep or the network
	// is back. Each call has a goroutine of its own: calls may overlap, and one may
	// still come while the service is closed.
	Wake func()

	accessGroup string // for tests; "": accessgroup.Name
}

// Service is the account on a bus.
type Service struct {
	account  Account
	version  string
	endpoint func() plextv.Endpoint
	clock    clockwork.Clock
	log      *slog.Logger

	logLevel *slog.LevelVar

	conn    *dbus.Conn
	objects map[dbus.ObjectPath]object
	access  *authorizer
	callers *callers
	ready   chan struct{}         // closed when the account is open; calls wait for it
	settle  func(context.Context) // waits until all changes so far have been signalled
	cancel  func()                // ends that

	// Where jobs wait.
	early     *places // until the account is open
	running   *places // for a member to answer
	open      *places // the same, of members that need no permission
	asking    *places // for NSS and polkit
	prompting *places // for polkit, which asks a person
}

// Serve connects to the bus, exports the account and takes the bus name. When it
// returns without error the service is complete: calls that the bus has held for
// the name are answered. It fails if the bus cannot be reached or the name is
// taken.
func Serve(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		version: o.Version, endpoint: o.Endpoint, clock: o.Clock, log: o.Log, ready: make(chan struct{}),
		early:     newPlaces(maxOfOne, maxRunning),
		running:   newPlaces(maxOfOne, maxRunning),
		open:      newPlaces(maxOfOneOpen, maxOpen),
		asking:    newUserPlaces(maxAsking),
		prompting: newUserPlaces(maxPrompting),
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.endpoint == nil {
		s.endpoint = func() plextv.Endpoint { return plextv.Endpoint{} }
	}
	if s.logLevel = o.LogLevel; s.logLevel == nil {
		s.logLevel = new(slog.LevelVar)
	}
	s.objects = s.export()
	wakes := wake.New(o.Wake, s.log)
	conn, err := bus.Serve(ctx, o.Bus, names.Bus, s, dbus.WithSignalHandler(wakes))
	if err != nil {
		return nil, explained(err)
	}
	s.conn = conn
	s.callers = newCallers(conn.Context(), o.Bus, s.clock)
	group := &group{ctx: conn.Context(), name: cmp.Or(o.accessGroup, accessgroup.Name), clock: s.clock, log: s.log}
	s.access = newAuthorizer(s.callers.bus, group, o.Bus == "system", s.clock, s.log)
	s.account = o.Open()
	s.settle, s.cancel = s.account.Subscribe(s.announcer())
	close(s.ready)
	go wakes.Subscribe(conn.BusObject()) // readiness does not wait for it
	if o.Bus == "system" {
		go s.warnWithoutGroup() // NSS may take seconds
	}
	return s, nil
}

func (s *Service) warnWithoutGroup() {
	const untilThen = ": only root, and callers that polkit allows, may call until it is "
	group := s.access.group
	switch _, err := group.find(); {
	case err == nil || group.ctx.Err() != nil:
	case errors.Is(err, accessgroup.ErrNone):
		s.log.Warn("there is no group "+group.name+untilThen+"added", "message_id", MessageNoGroup)
	default:
		s.log.Warn("cannot look up the group "+group.name+untilThen+"found", "error", err)
	}
}

// explained adds to an error of [bus.Serve] what to look at.
func explained(err error) error {
	var notTaken *bus.NameError
	switch {
	case errors.Is(err, bus.ErrNameTaken):
		return fmt.Errorf("%w; is plexauthd running already?", err)
	case errors.As(err, &notTaken):
		return err
	}
	return fmt.Errorf("%w; see systemctl status dbus, or name another bus with --bus", err)
}

// Gone is closed when the connection to the bus has ended.
func (s *Service) Gone() <-chan struct{} { return s.conn.Context().Done() }

// Close leaves the bus. Calls under way are not answered any more.
func (s *Service) Close() {
	s.cancel()
	_ = s.conn.Close()
	s.callers.bus.close()
}

func (s *Service) mustBeRoot(caller []byte) error {
	return s.access.mustBeRoot(s.conn.Context(), caller)
}
