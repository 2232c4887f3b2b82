// SPDX-License-Identifier: Apache-2.0

//go:build rig

package libreelec

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// mustBeSignedIn waits until the token has been checked and compares it.
func (tv *television) mustBeSignedIn(t *testing.T, when, token string) {
	t.Helper()
	tv.WaitFor(t, "the box to be signed in", func() bool { return tv.State() == "signed-in" })
	bootedtest.MustEqual(t, "token "+when, tv.useKodi(t).token, token)
	bootedtest.MustEqual(t, "mounts "+when, len(tv.mounts(t)), 1)
}

// mustBeAway wants nothing to be left of the service.
func (tv *television) mustBeAway(t *testing.T, when string) {
	t.Helper()
	bootedtest.MustEqual(t, "service "+when, tv.Unit("ActiveState"), "inactive")
	bootedtest.MustEqual(t, "mounts "+when, len(tv.mounts(t)), 0)
	bootedtest.MustEqual(t, "links "+when, tv.Run(t, "find", "/storage/.config/system.d", "-type", "l"), "")
	if _, err := tv.Try("busctl", "get-property", names.Bus, names.Path, names.Main, "State"); err == nil {
		t.Errorf("somebody answers %s", when)
	}
}

func TestLibreELEC(t *testing.T) {
	tv := newTelevision(t)
	tv.install(t, "service.zip")
	bootedtest.MustEqual(t, "state of a new box", tv.State(), "signed-out")
	first := tv.useKodi(t)
	bootedtest.MustEqual(t, "user", first.user, "ada")
	bootedtest.MustEqual(t, "what the add-on heard", first.words, "heard signed-in\npin claimed\n")
	bootedtest.MustEqual(t, "who may read the state", tv.Run(t, "stat", "--format=%U %a", data, data+"/state.toml"), "root 700\nroot 600")
	tv.Run(t, "grep", "-qFe", first.token, data+"/state.toml")
	bootedtest.MustEqual(t, "status", tv.Unit("StatusText"), "Signed in to Plex")
	if healthy, found := tv.Examine(t, "env", "PATH=/usr/bin:"+addons+"/"+addonID+"/bin"); !healthy {
		t.Errorf("the doctor finds %+v", found)
	}
	tv.mustBeSignedIn(t, "after the sign-in", first.token)

	tv.Crash(t)
	tv.boot(t)
	tv.mustBeSignedIn(t, "after a power cut", first.token)
	bootedtest.MustEqual(t, "failed starts at boot", tv.Unit("NRestarts"), "0")

	before := tv.Unit("MainPID")
	tv.Run(t, "systemctl", "restart", "dbus")
	tv.WaitForRestart(t, before)
	tv.mustBeSignedIn(t, "after the bus", first.token)

	bootedtest.MustEqual(t, "version", tv.version(t), "0.1.0")
	tv.install(t, "next.zip")
	bootedtest.MustEqual(t, "version after an update", tv.version(t), "0.1.0.next")
	tv.mustBeSignedIn(t, "after an update", first.token)

	tv.kodi(t, "disable")
	tv.mustBeAway(t, "when disabled")
	tv.Crash(t)
	tv.boot(t)
	tv.mustBeAway(t, "when disabled, after a boot")
	tv.kodi(t, "enable")
	tv.mustBeSignedIn(t, "when enabled", first.token)

	tv.uninstall(t)
	tv.mustBeAway(t, "when uninstalled")
	tv.install(t, "service.zip")
	tv.mustBeSignedIn(t, "when installed again", first.token)
}

// version is what the daemon says of itself.
func (tv *television) version(t *testing.T) string {
	t.Helper()
	text := tv.Run(t, "busctl", "get-property", names.Bus, names.Path, names.Main, "Version")
	version, err := strconv.Unquote(strings.TrimPrefix(text, "s "))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestLibreELECStartsDoNotStackMounts(t *testing.T) {
	tv := newTelevision(t)
	tv.install(t, "service.zip")
	token := tv.useKodi(t).token
	for range 3 {
		tv.Run(t, "systemctl", "restart", addonID)
		before := tv.Unit("MainPID")
		tv.Run(t, "kill", "-KILL", before)
		tv.WaitForRestart(t, before)
	}
	tv.mustBeSignedIn(t, "after many starts", token)
	// What the next version of the add-on finds if it was not undone.
	setup := "/bin/sh " + addons + "/" + addonID + "/bin/plexauthd.setup add"
	copied := "/run/plexauthd/system.d/" + names.Bus + ".conf"
	tv.Run(t, "sh", "-ec", "echo '<busconfig/>' > "+copied+"; "+setup+"; "+setup)
	bootedtest.MustEqual(t, "the policy", tv.Run(t, "cat", copied)+"\n", daemontest.Read(t, policyOfTheAddon))
	tv.mustBeSignedIn(t, "after the set-up alone", token)
}

// A later mount over the directory stays.
func TestLibreELECLeavesOtherMounts(t *testing.T) {
	tv := newTelevision(t)
	tv.install(t, "service.zip")
	const other = "cp -a " + policyDir + " /run/other; mount --bind /run/other " + policyDir
	tv.Run(t, "sh", "-ec", other)
	tv.kodi(t, "disable")
	bootedtest.MustEqual(t, "mounts", strings.Join(tv.mounts(t), " "), "/plexauthd/system.d /other")
	tv.kodi(t, "enable")
	tv.useKodi(t)
	bootedtest.MustEqual(t, "mounts", strings.Join(tv.mounts(t), " "), "/plexauthd/system.d /other")
}

func TestLibreELECKeepsThePolicyOfOthers(t *testing.T) {
	tv := newTelevision(t)
	tv.install(t, "service.zip")
	own := func() {
		t.Helper()
		tv.Run(t, "busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName", "su", "tv.retune.Other", "4")
		if out, err := tv.Try("busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName", "su", "tv.retune.Third", "4"); err == nil {
			t.Errorf("a name of nobody's was given away: %s", out)
		}
	}
	own()
	tv.kodi(t, "disable")
	own()
}

func TestLibreELECImageWithThePolicy(t *testing.T) {
	for _, dir := range []string{"/usr/share/dbus-1/system.d", policyDir} {
		t.Run(dir, func(t *testing.T) {
			tv := newTelevision(t, filepath.Join(dir, names.Bus+".conf"))
			tv.install(t, "service.zip")
			bootedtest.MustEqual(t, "user", tv.useKodi(t).user, "ada")
			bootedtest.MustEqual(t, "mounts", len(tv.mounts(t)), 0)
			tv.kodi(t, "disable")
			tv.mustBeAway(t, "when disabled")
		})
	}
}

// A LibreELEC that runs without being installed has /storage in memory.
func TestLibreELECLive(t *testing.T) {
	tv := newTelevision(t)
	tv.Run(t, "sh", "-ec", "mkdir /run/live; mount -t tmpfs -o mode=0700 tmpfs "+data)
	tv.install(t, "service.zip")
	if status := tv.Unit("StatusText"); !strings.Contains(status, "the state is in memory (tmpfs)") {
		t.Errorf("the service says: %s", status)
	}
}

func TestLibreELECUnitIsLockedDown(t *testing.T) {
	tv := newTelevision(t)
	tv.install(t, "service.zip")
	const unit = addonID + ".service"
	report := tv.Run(t, "systemd-analyze", "security", "--no-pager", "--threshold=16", unit)
	t.Log(report[strings.LastIndex(report, "\n")+1:])
	bootedtest.MustEqual(t, "what systemd-analyze verify says", tv.Run(t, "systemd-analyze", "verify", unit), "")
	bootedtest.MustEqual(t, "alias", tv.Run(t, "systemctl", "show", "--value", "--property=Id", "plexauthd"), unit)
}

// A unit of their own for the same daemon: what is different has to be meant.
func TestLibreELECUnitIsTheUsualOne(t *testing.T) {
	const different = `^(User|StateDirectory|StateDirectoryMode|PrivateUsers|ExecStart|ExecStartPre|ExecStopPost|ReadWritePaths|After|WantedBy|Alias|Documentation)=`
	usual, theirs := settings(t, "../systemd/plexauthd.service"), settings(t, "addon/system.d/service.plexauthd.service")
	for _, c := range []struct {
		in, from map[string]bool
		what     string
	}{{usual, theirs, "lacks"}, {theirs, usual, "alone has"}} {
		for setting := range c.in {
			if !c.from[setting] && !regexp.MustCompile(different).MatchString(setting) {
				t.Errorf("LibreELEC's unit %s %s", c.what, setting)
			}
		}
	}
}

// settings are the lines of a unit that set something.
func settings(t *testing.T, file string) map[string]bool {
	t.Helper()
	text := daemontest.Read(t, file)
	found := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^[A-Z]\w+=.*$`).FindAllString(text, -1) {
		found[line] = true
	}
	return found
}
