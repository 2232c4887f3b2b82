// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const journalAdvice = "see journalctl -x -u plexauthd"

func (x *examination) checkBus(ctx context.Context) Finding {
	conn, err := bus.Connect(x.Bus)
	if err == nil {
		x.conn = conn
		x.client, err = client.Dial(ctx, x.Bus)
	}
	switch {
	case err == nil:
		return ok("answers")
	case errors.Is(err, fs.ErrPermission):
		return wrong(err.Error(), "this user may not use that bus: run plexauthctl as another user, or as root")
	case x.Bus == "system":
		return wrong(err.Error(), "start D-Bus: systemctl start dbus.socket")
	default:
		return wrong(err.Error(), "start that bus, or name another one with --bus")
	}
}

func (x *examination) checkDaemon(ctx context.Context) Finding {
	if x.conn == nil {
		return unknown("there is no connection to a bus")
	}
	var startable []string
	err := errors.Join(
		x.conn.BusObject().CallWithContext(ctx, names.DBus+".NameHasOwner", 0, names.Bus).Store(&x.owned),
		x.conn.BusObject().CallWithContext(ctx, names.DBus+".ListActivatableNames", 0).Store(&startable),
	)
	if err != nil {
		return wrong("the bus does not list its names: "+err.Error(), "see systemctl status dbus")
	}
	if !x.owned && !slices.Contains(startable, names.Bus) {
		return wrong("plexauthd is not on the bus, and the bus cannot start it", x.howToStart())
	}
	status, err := x.client.State(ctx) // starts it, if the bus can
	switch client.CodeOf(err) {
	case "":
		if err != nil {
			return wrong("plexauthd does not answer in time", "see systemctl status plexauthd")
		}
	case client.AccessDenied:
		return wrong("the bus does not let this user ask plexauthd: "+err.Error(), policyAdvice)
	case client.NotRunning:
		return wrong("plexauthd does not start: "+err.Error(), startAdvice(err))
	default:
		return wrong("plexauthd does not answer: "+err.Error(), journalAdvice)
	}
	x.status = &status
	how := "runs"
	if !x.owned {
		how = "has been started by the bus"
	}
	return ok(fmt.Sprintf("plexauthd %s %s", status.Version, how))
}

// startAdvice is about a daemon that the bus could not start.
func startAdvice(err error) string {
	if unit := client.UnitOf(err); unit != nil && unit.Masked() {
		return "if it is to run, systemctl unmask plexauthd"
	}
	return journalAdvice
}

func (x *examination) howToStart() string {
	if x.Bus == "system" {
		return "start it: systemctl enable --now plexauthd"
	}
	return "start it: plexauthd --bus " + x.Bus
}

const policyAdvice = "check that the bus has read /usr/share/dbus-1/system.d/" + names.Bus + ".conf: systemctl reload dbus"

// checkAccess calls what answers from memory and changes nothing: a pairing that
// does not exist, and the user, who is not shown.
func (x *examination) checkAccess(ctx context.Context) Finding {
	if x.status == nil {
		return unknown("nobody answers")
	}
	_, _, err := x.client.CheckPin(ctx, 0)
	if client.CodeOf(err) == client.NotFound {
		err = nil
	}
	_, readErr := x.client.CurrentUser(ctx)
	x.askEndpoint(ctx)
	may, mayNot := "pair", "read the token"
	if err != nil {
		may, mayNot, err, readErr = mayNot, may, readErr, err
	}
	switch {
	case err == nil && readErr == nil:
		x.allowed = true
		return ok("this user may pair and read the token")
	case !denied(readErr):
		return wrong("plexauthd cannot answer: "+readErr.Error(), journalAdvice)
	case err == nil:
		return ok(fmt.Sprintf("this user may %s, but not %s, as polkit decides", may, mayNot))
	case !denied(err):
		return wrong("plexauthd cannot answer: "+err.Error(), journalAdvice)
	case os.Getuid() == 0:
		return wrong("the bus does not let even root call plexauthd", policyAdvice)
	}
	return wrong("this user may read the status, but not call plexauthd", "join the group "+accessgroup.Name+", see below, or let polkit allow it")
}

// askEndpoint asks the daemon how it reaches plex.tv; an older one does not know.
func (x *examination) askEndpoint(ctx context.Context) {
	endpoint, err := x.client.PlexEndpoint(ctx)
	if err == nil && x.PlexURL == "" && x.Config == "" {
		x.endpoint = &endpoint
	}
	if endpoint.SignInURL != "" {
		x.moved = &endpoint
	}
}

func denied(err error) bool { return client.CodeOf(err) == client.AccessDenied }

// membership is what this process has to do with the access group.
type membership struct {
	name   string // of the user
	uid    int
	exists bool // the group
	held   bool // by this process
	listed bool // the user, where logins look
}

func (x *examination) checkGroup(ctx context.Context) Finding {
	m, err := findMembership(ctx)
	if err != nil {
		return unknown(err.Error())
	}
	return x.judgeGroup(m)
}

func findMembership(ctx context.Context) (membership, error) {
	m := membership{uid: os.Getuid()}
	group, err := accessgroup.Find(ctx)
	if errors.Is(err, accessgroup.ErrNone) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("the groups cannot be read: %w", err)
	}
	m.exists = true
	held, err := os.Getgroups()
	if err != nil {
		return m, fmt.Errorf("the groups of this process cannot be read: %w", err)
	}
	m.held = slices.Contains(append(held, os.Getegid()), int(group.ID))
	if me, err := user.Current(); err == nil {
		m.name = me.Username
		listed, _ := me.GroupIds() // without: not listed
		m.listed = slices.Contains(listed, strconv.FormatUint(uint64(group.ID), 10)) || slices.Contains(group.Members, m.name)
	}
	return m, nil
}

func (x *examination) judgeGroup(m membership) Finding {
	const group = accessgroup.Name
	switch {
	case x.Bus != "system" && (x.allowed || !m.exists):
		return unknown("on a bus other than the system bus, plexauthd's own user needs no group")
	case !m.exists && (m.uid == 0 || x.allowed):
		return ok("there is no group " + group + ": only root, and callers that polkit allows, may call")
	case !m.exists:
		return wrong("there is no group "+group, "create it and restart the daemon: systemd-sysusers && systemctl restart plexauthd")
	case m.uid == 0:
		return ok("root needs no group")
	case m.held:
		return ok("this user is a member of " + group)
	case m.listed:
		return wrong("this user is a member of "+group+", but was not yet at login", "log out and in again")
	case x.allowed:
		return ok("this user is not a member of " + group + ", but polkit allows it to call")
	}
	return wrong("this user is not a member of "+group,
		strings.TrimSpace("as root: usermod -aG "+group+" "+m.name)+"; then log out and in again")
}
