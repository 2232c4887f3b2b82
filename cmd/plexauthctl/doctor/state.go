// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/systemd"
)

// checkService asks the service manager. StatusText is set by the daemon, and is
// the only place where everybody can read that its state cannot be kept.
func (x *examination) checkService(ctx context.Context) Finding {
	if _, err := os.Stat(systemd.Booted); err != nil || x.Bus != "system" {
		return unknown("plexauthd is not a service of systemd here")
	}
	out, err := exec.CommandContext(ctx, "systemctl", "show", "plexauthd.service",
		"--property=LoadState,ActiveState,SubState,Result,NRestarts,StatusText").Output()
	if err != nil {
		return unknown("systemctl does not answer: " + err.Error())
	}
	return judgeService(string(out))
}

// judgeService reads what systemctl show prints.
func judgeService(shown string) Finding {
	unit := map[string]string{}
	for line := range strings.Lines(shown) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		unit[key] = value
	}
	_, problem, broken := strings.Cut(unit["StatusText"], "the state cannot be saved: ")
	switch {
	case unit["LoadState"] == "not-found":
		return unknown("plexauthd is not a service of systemd here")
	case unit["LoadState"] != "loaded":
		return wrong("the unit cannot be used: "+unit["LoadState"], "see systemctl status plexauthd")
	case unit["ActiveState"] == "failed":
		return wrong(fmt.Sprintf("it has failed (%s) after %s restarts", unit["Result"], unit["NRestarts"]),
			journalAdvice+", and then systemctl restart plexauthd")
	case unit["SubState"] == "start" || unit["ActiveState"] == "reloading":
		return ok("is just starting or reloading") // whether it answers, the check of the daemon tells
	case unit["ActiveState"] != "active":
		return wrong("it is "+unit["ActiveState"], "start it: systemctl enable --now plexauthd")
	case broken:
		return wrong("the state cannot be saved: "+problem, journalAdvice)
	}
	return ok("is active: " + unit["StatusText"])
}

func (x *examination) checkStateFile(context.Context) Finding {
	file := x.State
	if file == "" && x.Bus == "system" {
		file = statefile.ServicePath
	}
	if file == "" {
		return unknown("not on the system bus: use --state")
	}
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown("only root may look at " + file)
	case errors.Is(err, fs.ErrNotExist):
		return ok("nothing has been stored yet")
	case err != nil:
		return wrong(err.Error(), "check that the disk can be read")
	case !info.Mode().IsRegular():
		return wrong(file+" is not a regular file", "put a regular file or nothing in its place, and restart plexauthd")
	}
	dir, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return wrong(err.Error(), "check that the disk can be read")
	}
	return judgeModes(file, info, dir)
}

// judgeModes tells who else could read the secrets, or keep the daemon from them.
func judgeModes(file string, info, dir fs.FileInfo) Finding {
	const others = 0o077
	parent := filepath.Dir(file)
	switch {
	case dir.Mode().Perm()&others != 0:
		return wrong(fmt.Sprintf("%s is open to others: mode %#o", parent, dir.Mode().Perm()), "chmod 700 "+parent)
	case info.Mode().Perm()&others != 0:
		return wrong(fmt.Sprintf("%s is open to others: mode %#o", file, info.Mode().Perm()),
			"chmod 600 "+file+"; sign out and in again if others use this box")
	case owner(info) != owner(dir):
		return wrong(file+" belongs to another user than its directory", "chown --reference="+parent+" "+file+", and restart plexauthd")
	}
	return ok("exists and is private to its owner")
}

func owner(info fs.FileInfo) uint32 {
	stat, _ := info.Sys().(*syscall.Stat_t) // of the os package, on Linux
	return stat.Uid
}

func (x *examination) checkSignIn(ctx context.Context) Finding {
	if x.status == nil {
		return unknown("nobody answers")
	}
	switch x.status.State {
	case client.Expired:
		return wrong("plex.tv has refused the token", "sign in again: plexauthctl login")
	case client.Locked:
		return wrong("the user of the Plex Home has to enter the PIN again", "plexauthctl switch, with the name of that user or another")
	case client.Unverified:
		return x.verify(ctx)
	case client.SignedIn:
		return ok("somebody is signed in")
	}
	if x.moved != nil {
		return wrong("plex.url has changed: the sign-in belongs to "+x.moved.SignInURL+", and plexauthd asks "+x.moved.URL,
			"set plex.url back and reload plexauthd to have it back, or sign in with plexauthctl login")
	}
	return ok("nobody is signed in: sign in with plexauthctl login")
}

// verify makes the daemon ask about a token that it could not confirm yet: it may
// just have started.
func (x *examination) verify(ctx context.Context) Finding {
	const advice = "see the checks of plex.tv; plexauthd keeps trying"
	valid, err := x.client.Validate(ctx)
	switch {
	case err != nil:
		return wrong("the token could not be confirmed since plexauthd has started: "+err.Error(), advice)
	case !valid:
		if status, err := x.client.State(ctx); err == nil && status.State == client.SignedIn {
			return ok("somebody is signed in, but plex.tv does not say who")
		}
		return wrong("plex.tv refuses the token", "wait, plexauthd asks again; if this persists: plexauthctl login")
	}
	return ok("somebody is signed in")
}
