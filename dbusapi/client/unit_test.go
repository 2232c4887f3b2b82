// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// job is a start that systemd is busy with.
type job struct {
	ID   uint32
	Path dbus.ObjectPath
}

var (
	none     = job{Path: "/"}
	starting = bustest.Unit{"LoadState": "loaded", "ActiveState": "activating", "SubState": "start", "Job": job{7, "/org/freedesktop/systemd1/job/7"}}
	queued   = bustest.Unit{"LoadState": "loaded", "ActiveState": "failed", "SubState": "failed", "Job": job{7, "/org/freedesktop/systemd1/job/7"}}
	failed   = bustest.Unit{"LoadState": "loaded", "ActiveState": "failed", "SubState": "failed", "Job": none}
	stopped  = bustest.Unit{"LoadState": "loaded", "ActiveState": "inactive", "SubState": "dead", "Job": none}
	retried  = bustest.Unit{"LoadState": "loaded", "ActiveState": "activating", "SubState": "auto-restart", "Job": none}
	isMasked = bustest.Unit{"LoadState": "masked", "ActiveState": "inactive", "SubState": "dead", "Job": none}
	broken   = bustest.Unit{"LoadState": "bad-setting", "ActiveState": "inactive", "SubState": "dead", "Job": none}
	missing  = bustest.Unit{"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "Job": none}
)

// cases are daemons that do not start, and why.
var cases = []struct {
	name, want string
	says       []bustest.Unit
}{
	{"failed", "plexauthd.service has failed (exit status 2)", []bustest.Unit{starting, starting, failed}},
	{"failed before", "plexauthd.service is inactive", []bustest.Unit{queued, stopped}},
	{"failed at once", "plexauthd.service has failed (exit status 2)", []bustest.Unit{failed}},
	{"tried again", "plexauthd.service fails (exit status 2), and systemd tries again", []bustest.Unit{starting, retried}},
	{"masked", "plexauthd.service is masked", []bustest.Unit{isMasked}},
	{"stopped", "plexauthd.service is inactive", []bustest.Unit{starting, stopped}},
	{"broken", "plexauthd.service cannot be loaded (bad-setting)", []bustest.Unit{broken}},
}

// TestDaemonThatDoesNotStart has a bus that keeps callers waiting, as dbus-daemon
// does for 25 s.
func TestDaemonThatDoesNotStart(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bustest.NewSystemd(t, bustest.Starting(t, names.Bus), c.says...)
			_, err := dial(t, "system").Token(bounded(t))
			checkNotRunning(t, err, c.want)
			_, err = dial(t, "system").State(bounded(t))
			checkNotRunning(t, err, c.want)
		})
	}
}

// TestDaemonThatTheBusCannotStart has a bus that says so, as dbus-broker does.
func TestDaemonThatTheBusCannotStart(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bustest.NewSystemd(t, bustest.Session(t), c.says[len(c.says)-1])
			_, err := dial(t, "system").Token(bounded(t))
			checkNotRunning(t, err, c.want)
		})
	}
}

func checkNotRunning(t *testing.T, err error, want string) {
	t.Helper()
	checkCode(t, want, err, client.NotRunning)
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, not %s", err, want)
	}
	u := client.UnitOf(err)
	if u == nil || u.Masked() != (want == "plexauthd.service is masked") {
		t.Errorf("%s: %+v", want, u)
	}
}

// TestDaemonThatSystemdDoesNotKnow has somebody else start it, who may.
func TestDaemonThatSystemdDoesNotKnow(t *testing.T) {
	systemd := bustest.NewSystemd(t, bustest.Starting(t, names.Bus), missing)
	ctx, cancel := context.WithCancel(bounded(t))
	go func() {
		<-systemd.Asked
		cancel()
	}()
	if _, err := dial(t, "system").Token(ctx); !errors.Is(err, context.Canceled) || client.UnitOf(err) != nil {
		t.Errorf("the error is %v", err)
	}
	bustest.NewSystemd(t, bustest.Session(t), missing)
	_, err := dial(t, "system").Token(bounded(t))
	checkCode(t, "no unit", err, client.NotRunning)
	if client.UnitOf(err) != nil {
		t.Errorf("systemd knows the unit: %v", err)
	}
}

// slow answers after more than enough time to look for a reason.
type slow struct{}

// GetToken is the one of the daemon.
func (slow) GetToken() (string, *dbus.Error) {
	<-time.After(time.Second)
	return "token", nil
}

// TestDaemonThatSomebodyElseHasStarted is slow, and its unit is not running.
func TestDaemonThatSomebodyElseHasStarted(t *testing.T) {
	bus := bustest.Session(t)
	systemd := bustest.NewSystemd(t, bus, stopped)
	if err := bus.Own(t, names.Bus).Export(slow{}, names.Path, names.Credentials); err != nil {
		t.Fatal(err)
	}
	token, err := dial(t, "system").Token(bounded(t))
	check(t, "token", token.Reveal(), err, "token")
	if len(systemd.Asked) > 0 {
		t.Error("systemd was asked about a daemon that is there")
	}
}

// TestDaemonThatComesLate is there before systemd could say that it is not.
func TestDaemonThatComesLate(t *testing.T) {
	bus := bustest.Starting(t, names.Bus)
	systemd := bustest.NewSystemd(t, bus, starting)
	answer := make(chan error, 1)
	c := dial(t, "system")
	go func() {
		_, err := c.Token(bounded(t))
		answer <- err
	}()
	<-systemd.Asked
	bus.Own(t, names.Bus)
	checkCode(t, "a daemon that has no members", <-answer, client.Failed)
}
