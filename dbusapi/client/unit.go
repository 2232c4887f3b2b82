// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Unit is what systemd says of plexauthd.service; see systemctl show.
type Unit struct {
	LoadState   string // loaded, or why it is not: masked, bad-setting, error
	ActiveState string // active, activating, failed, inactive
	SubState    string // auto-restart while systemd waits to try again
	Result      string // exit-code, signal, timeout, start-limit-hit, resources
	ExitStatus  int32  // of the last daemon, if Result is exit-code

	working bool // systemd has something to do with it
}

const (
	systemd     = "org.freedesktop.systemd1"
	unitPath    = "/org/freedesktop/systemd1/unit/plexauthd_2eservice"
	unitName    = "plexauthd.service"
	noUnit      = "not-found"
	masked      = "masked"
	autoRestart = "auto-restart"
)

// Masked tells that an administrator does not want plexauthd to start. Nothing
// starts it then.
func (u *Unit) Masked() bool { return u.LoadState == masked }

// Stopped tells that the daemon does not run and that nothing is wrong with that:
// somebody has stopped it, and the bus has not asked systemd to start it. After a
// start that has failed dbus-daemon does not ask again for 25 s.
func (u *Unit) Stopped() bool { return u.LoadState == "loaded" && u.ActiveState == "inactive" }

// String says in a sentence why plexauthd does not run.
func (u *Unit) String() string {
	result := u.Result
	if result == "exit-code" {
		result = fmt.Sprintf("exit status %d", u.ExitStatus)
	}
	switch {
	case u.Masked():
		return unitName + " is masked"
	case u.LoadState != "loaded":
		return fmt.Sprintf("%s cannot be loaded (%s)", unitName, u.LoadState)
	case u.ActiveState == "failed":
		return fmt.Sprintf("%s has failed (%s)", unitName, result)
	case u.SubState == autoRestart:
		return fmt.Sprintf("%s fails (%s), and systemd tries again", unitName, result)
	default:
		return fmt.Sprintf("%s is %s", unitName, u.ActiveState)
	}
}

// down reports whether the daemon will not start.
func (u *Unit) down() bool {
	switch {
	case u.LoadState != "loaded", u.SubState == autoRestart:
		return true
	default:
		return !u.working && slices.Contains([]string{"failed", "inactive"}, u.ActiveState)
	}
}

// unit asks systemd, which knows the unit also under its alias. It is nil where
// systemd does not run, or has no such unit.
func (c *Client) unit(ctx context.Context) *Unit {
	reply := c.send(ctx, systemd, unitPath, names.Properties, "GetAll", systemd+".Unit")
	var values map[string]dbus.Variant
	if reply.Err != nil || reply.Store(&values) != nil {
		return nil
	}
	u := &Unit{}
	read(values, "LoadState", &u.LoadState)
	read(values, "ActiveState", &u.ActiveState)
	read(values, "SubState", &u.SubState)
	var job struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	read(values, "Job", &job)
	if u.working = job.ID != 0; u.LoadState == noUnit || u.LoadState == "" {
		return nil
	}
	c.serviceProperty(ctx, "Result", &u.Result)
	c.serviceProperty(ctx, "ExecMainStatus", &u.ExitStatus)
	return u
}

// serviceProperty leaves value as it is if systemd does not tell.
func (c *Client) serviceProperty(ctx context.Context, name string, value any) {
	var found dbus.Variant
	if c.send(ctx, systemd, unitPath, names.Properties, "Get", systemd+".Service", name).Store(&found) == nil {
		_ = found.Store(value)
	}
}

// look is how often a call that waits for an answer checks whether the daemon
// starts at all: if it does not, dbus-daemon is not told, and callers would wait
// for 25 s.
const look = 100 * time.Millisecond

// watchStart returns the unit once the daemon will not start, and nil when the
// daemon is there or ctx ends.
func (c *Client) watchStart(ctx context.Context) *Unit {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(look):
		}
		// The bus asks systemd to start the daemon before it lets our question
		// through, so what systemd says is not older than the call.
		if owner, err := c.daemon(ctx); err != nil || owner != "" {
			return nil
		}
		switch u := c.unit(ctx); {
		case u == nil:
			return nil
		case u.down():
			return u
		}
	}
}

// ask calls a member of the daemon, which the bus starts if it does not run.
func (c *Client) ask(ctx context.Context, iface, member string, args ...any) *dbus.Call {
	if !c.startable {
		return c.send(ctx, names.Bus, names.Path, iface, member, args...)
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	call := c.begin(waiting, names.Bus, names.Path, iface, member, args...)
	down := make(chan *Unit, 1)
	go func() {
		if u := c.watchStart(waiting); u != nil {
			down <- u
		}
	}()
	select {
	case reply := <-call.Done:
		return c.explain(ctx, reply)
	case u := <-down:
		return &dbus.Call{Err: notRunning(u, "")}
	}
}

// explain adds why the daemon does not run to a reply that says so.
func (c *Client) explain(ctx context.Context, reply *dbus.Call) *dbus.Call {
	named, ok := reply.Err.(dbus.Error)
	if !ok || codeOfName(named.Name) != NotRunning {
		return reply
	}
	if u := c.unit(ctx); u != nil && u.ActiveState != "active" {
		reply.Err = notRunning(u, named.Name)
	}
	return reply
}

func notRunning(u *Unit, name string) *Error {
	return &Error{Code: NotRunning, Name: name, Message: u.String(), unit: u}
}
