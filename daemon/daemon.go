// SPDX-License-Identifier: Apache-2.0

// Package daemon wires the account, the bus and the service manager together
// and owns start, reload and stop.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/config"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/systemd"
)

// stopTimeout bounds the wait for background work at the end. What must not be
// lost is on disk already, so there is nothing worth a longer one.
const stopTimeout = 800 * time.Millisecond

// Options are the command line. An empty string means that an option was not given.
type Options struct {
	ConfigPath string // "": [config.DefaultPath], which may be missing
	Bus        string // "system", "session" or an address; "" is system
	StatePath  string
	PlexURL    string
	LogLevel   string
	Version    string
	Stderr     *os.File
	Reload     <-chan os.Signal // each one rereads the configuration
	Listening  <-chan struct{}  // required; closed once signals are handled: not before is the daemon ready
	Unpaced    bool             // callers may have plex.tv asked as often as they like
}

// daemon is a running plexauthd.
type daemon struct {
	options  Options
	config   config.Config
	level    *slog.LevelVar
	log      *slog.Logger
	notifier *systemd.Notifier
	inMemory string // the file system in memory that the state is on, "" if it is on none
	plex     *plextv.Client
	account  *auth.Account
	ready    chan struct{} // closed when the service manager has been told
}

// CheckConfig reads the configuration as [Run] would and returns what is wrong with it.
func CheckConfig(o Options) error {
	c, err := o.load()
	if err != nil {
		return err
	}
	_, err = connect(c, plextv.Config{})
	return err
}

// Run serves until ctx ends, which is no error. A [config.Error] or a [UsageError]
// means that the configuration or the command line must be corrected first.
func Run(ctx context.Context, o Options) error {
	settings, err := o.load()
	if err != nil {
		return err
	}
	path, err := o.statePath()
	if err != nil {
		return err
	}
	clock := clockwork.NewRealClock()
	store, err := openState(path, clock)
	if err != nil {
		return err
	}
	d := &daemon{options: o, config: settings, level: new(slog.LevelVar), ready: make(chan struct{})}
	d.level.Set(settings.LogLevel)
	d.log = systemd.NewLogger(systemd.Options{Stderr: o.Stderr, Level: d.level})
	store.ReportServers(d.logServersLost)
	d.notifier = systemd.NewNotifier(d.log)
	plexTime := servertime.New(clock, bootTime)
	asked, stopReleasing := releaseWhenUnasked(clock, freeMemory)
	defer stopReleasing()
	pace, shareFor := plextv.Polite(), time.Second
	if o.Unpaced {
		pace, shareFor = plextv.Pace{}, 0
	}
	d.plex, err = connect(settings, plextv.Config{Log: d.log, Pace: pace, OnDate: func(date time.Time) {
		plexTime.Learn(date)
		asked()
	}})
	if err != nil {
		return err
	}
	release, err := d.lock(store) // not before: a mistake in the command line leaves the disk as it is
	if err != nil {
		return err
	}
	defer release()
	d.inMemory, _ = statefile.InMemory(path) // no warning where that cannot be found out
	return d.serve(ctx, clock, func() dbusapi.Account {
		d.account = auth.Open(auth.Options{
			Plex: d.plex, Store: store, Settings: settingsOf(settings, d.plex.Endpoint()), Clock: clock, Time: plexTime,
			Log: d.log, Hold: d.ready, ShareFor: shareFor,
		})
		return d.account
	})
}

// connect returns a client for the plex.tv that the configuration names.
func connect(c config.Config, way plextv.Config) (*plextv.Client, error) {
	way.BaseURL, way.Timeout = c.PlexURL, c.RequestTimeout
	client, err := plextv.New(way)
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	return client, nil
}

// serve takes the bus name and works until told to stop.
func (d *daemon) serve(ctx context.Context, clock clockwork.Clock, open func() dbusapi.Account) error {
	service, err := dbusapi.Serve(ctx, dbusapi.Options{
		Open: open, Bus: d.options.bus(), Version: d.options.Version, Clock: clock, Log: d.log,
		LogLevel: d.level, Endpoint: d.plex.Endpoint, Wake: func() { d.account.Wake() },
	})
	switch {
	case err != nil && ctx.Err() != nil: // told to stop before the bus answered
		return nil
	case err != nil:
		return err
	}
	defer d.close()
	defer service.Close()
	<-d.options.Listening
	d.notifier.Ready(d.status(d.account.Snapshot()))
	close(d.ready)
	saveMemory() // not before: it would slow the start
	_, cancel := d.account.Subscribe(func(e auth.Event) { d.notifier.Status(d.status(e.Snapshot)) })
	defer cancel()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go d.notifier.Watch(watching, clock, d.account.Alive)
	d.log.Info("serving", "message_id", MessageServing, "version", d.options.Version, "bus", d.options.bus())
	if d.inMemory != "" {
		d.log.Warn("the sign-in is lost at the next boot", "message_id", MessageInMemory, "file_system", d.inMemory)
	}
	for {
		select {
		case <-ctx.Done():
			d.notifier.Stopping("Stopping")
			return nil
		case <-service.Gone():
			return errors.New("the connection to the bus has ended; start plexauthd again when the bus is back")
		case <-d.options.Reload:
			d.reload(ctx)
		}
	}
}

func (d *daemon) close() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := d.account.Close(ctx); err != nil {
		d.log.Warn("stopping", "error", err)
	}
}

// reload reads the configuration again. One with a mistake changes nothing.
func (d *daemon) reload(ctx context.Context) {
	d.notifier.Reloading()
	defer func() { d.notifier.Ready(d.status(d.account.Snapshot())) }()
	next, err := d.options.load()
	if err == nil {
		err = d.plex.Redirect(next.PlexURL, next.RequestTimeout)
	}
	if err == nil {
		err = d.account.Configure(ctx, settingsOf(next, d.plex.Endpoint()))
	}
	if err != nil {
		d.log.Error("keeping the old configuration", "message_id", MessageReloadRefused, "error", err)
		return
	}
	d.level.Set(next.LogLevel)
	changed := strings.Join(next.Changes(d.config), ", ")
	if changed == "" {
		changed = "nothing"
	}
	d.config = next
	d.log.Info("configuration reloaded", "message_id", MessageReloaded, "changed", changed)
}

// load reads the configuration file and applies the command line.
func (o Options) load() (config.Config, error) {
	path, mustExist := o.ConfigPath, true
	if path == "" {
		path, mustExist = config.DefaultPath, false
	}
	if bus := o.bus(); bus != "system" && bus != "session" && !strings.Contains(bus, ":") {
		return config.Config{}, &UsageError{Err: fmt.Errorf("--bus %q: is not system, session or a D-Bus address", bus)}
	}
	c, err := config.Load(path, mustExist, config.Default(o.Version))
	if err != nil {
		return c, err
	}
	if o.PlexURL != "" {
		c.PlexURL = o.PlexURL
	}
	if o.LogLevel != "" {
		if c.LogLevel, err = systemd.ParseLevel(o.LogLevel); err != nil {
			return c, &UsageError{Err: fmt.Errorf("--log-level: %w", err)}
		}
	}
	return c, nil
}

func (o Options) bus() string {
	if o.Bus == "" {
		return "system"
	}
	return o.Bus
}

// statePath follows systemd.exec(5) and the XDG base directory specification.
func (o Options) statePath() (string, error) {
	if o.StatePath != "" {
		return o.StatePath, nil
	}
	if dirs := os.Getenv("STATE_DIRECTORY"); dirs != "" {
		first, _, _ := strings.Cut(dirs, ":")
		return filepath.Join(first, statefile.Name), nil
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding a place for the state: %w; name one with --state", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "plexauthd", statefile.Name), nil
}
