// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// as runs a command as a user with the groups that a login would give.
func as(user string) []string {
	return []string{"setpriv", "--reuid=" + user, "--regid=" + user, "--init-groups"}
}

func TestDoctorOnAHealthyBox(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.signIn(t)
		for _, prefix := range [][]string{nil, as("member")} {
			if healthy, found := b.Examine(t, prefix...); !healthy {
				t.Errorf("%v: %+v", prefix, found)
			}
		}
		b.Run(t, "systemctl", "stop", "plexauthd")
		if healthy, found := b.Examine(t); !healthy || !strings.Contains(found["daemon"].Finding, "has been started by the bus") {
			t.Errorf("a stopped daemon that the bus can start: %+v", found)
		}
	})
}

func TestDoctorSeesWhoMayNot(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.addUsers(t)
	_, found := b.Examine(t, as("other")...)
	if f := found["group"]; found["access"].Result != doctor.Wrong || f.Result != doctor.Wrong || !strings.Contains(f.Advice, "usermod -aG plexauth other") {
		t.Errorf("a stranger: %+v", found)
	}
	if f := found["state file"]; f.Result != doctor.Unknown || !strings.Contains(f.Finding, "only root") {
		t.Errorf("a stranger: %+v", f)
	}
	b.Run(t, "usermod", "-aG", "plexauth", "other")
	_, found = b.Examine(t, "setpriv", "--reuid=other", "--regid=other", "--clear-groups") // logged in before
	if f := found["group"]; f.Result != doctor.Wrong || f.Advice != "log out and in again" {
		t.Errorf("a member since after the login: %+v", f)
	}
	if healthy, found := b.Examine(t, as("other")...); !healthy {
		t.Errorf("a member: %+v", found)
	}
}

// The unit's environment and options are the daemon's, not the caller's.
func TestDoctorAsksTheDaemonForItsProxy(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.addUsers(t)
	b.dropIn(t, "Environment=HTTPS_PROXY=http://ann:hunter2@127.0.0.1:1\nExecStart=\nExecStart=/usr/sbin/plexauthd --plex-url https://plex.invalid")
	b.Run(t, "systemctl", "restart", "plexauthd")
	_, found := b.Examine(t, as("member")...)
	if f := found["configuration"]; f.Result != doctor.OK || !strings.Contains(f.Finding, "https://plex.invalid, according to plexauthd") {
		t.Errorf("%+v", f)
	}
	for check, says := range map[string]string{"dns": "uses the proxy http://127.0.0.1:1", "tls": "uses the proxy http://127.0.0.1:1", "plex.tv": "needs a password"} {
		if f := found[check]; f.Result != doctor.Unknown || !strings.Contains(f.Finding, says) {
			t.Errorf("%+v", f)
		}
	}
	if out, err := b.Try("plexauthctl", "doctor"); strings.Contains(out, "hunter2") || strings.Contains(out, "ann") {
		t.Errorf("the proxy's password is shown: %v", err)
	}
}

// A box where only root calls needs no group.
func TestDoctorWithoutTheGroup(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.addUsers(t)
	b.signIn(t)
	b.Run(t, "groupdel", "plexauth")
	b.Run(t, "systemctl", "restart", "plexauthd")
	if healthy, found := b.Examine(t); !healthy || !strings.Contains(found["group"].Finding, "there is no group plexauth") {
		t.Errorf("root: %+v", found)
	}
	_, found := b.Examine(t, as("other")...)
	if f := found["group"]; f.Result != doctor.Wrong || !strings.Contains(f.Advice, "systemd-sysusers") {
		t.Errorf("somebody else: %+v", f)
	}
}

func TestDoctorOnABrokenBox(t *testing.T) {
	for _, c := range []struct{ wreck, check, finding, advice string }{
		{`sed -i 's/^version = 1/version = 99/' ` + stateFile, "service", "the state cannot be saved: ", "journalctl -x"},
		{`systemctl stop plextv-sim; systemctl start plexauthd; chmod 0640 ` + stateFile, "state file", "open to others: mode 0640", "chmod 600 " + stateFile},
		{`mv ` + stateFile + ` /root/; ln -s /root/state.toml ` + stateFile, "state file", "not a regular file", "restart plexauthd"},
		{`printf '[plex]\ncolour = "red"\n' > /etc/plexauthd/config.toml`, "configuration", "config.toml:2: plex.colour", "--check-config"},
		{`printf '[plex]\ncolour = "red"\n' > /etc/plexauthd/config.toml`, "service", "failed", "journalctl -x"},
		{`systemctl mask plexauthd`, "service", "masked", "systemctl status"},
		{`rm /usr/share/dbus-1/system.d/tv.retune.PlexAuth1*.conf`, "daemon", "", ""},
		{`printf '[plex]\nurl = "https://plex.invalid"\n' > /etc/plexauthd/config.toml`, "dns", "plex.invalid", "/etc/resolv.conf"},
		{`systemctl stop plextv-sim`, "plex.tv", "connection refused", "on the network"},
		{`mkdir -p /run/systemd/timesync; systemctl stop plextv-sim`, "clock", "has not set it yet", "timedatectl"},
		{`systemctl stop dbus.socket dbus.service`, "bus", "", "systemctl start dbus.socket"},
	} {
		t.Run(c.check+" "+c.wreck, func(t *testing.T) {
			b := bootWithPlex(t, bootedtest.Options{})
			b.signIn(t)
			b.Run(t, "systemctl", "stop", "plexauthd")
			b.Run(t, "sh", "-ec", c.wreck)
			if c.check != "bus" {
				b.Run(t, "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
				_, _ = b.Try("systemctl", "start", "plexauthd")
			}
			healthy, found := b.Examine(t)
			f := found[c.check]
			if healthy || f.Result != doctor.Wrong || !strings.Contains(f.Finding, c.finding) || !strings.Contains(f.Advice, c.advice) {
				t.Errorf("%+v, not wrong with %q and %q; all: %+v", f, c.finding, c.advice, found)
			}
		})
	}
}
