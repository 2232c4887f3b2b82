// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// broken is something wrong with a box, and how the service takes it.
type broken struct {
	name  string
	wreck string // shell commands, while the service is stopped
	says  string // part of one line in the journal; "" if there is nothing for a person to repair
	exit  string // the exit status; "" if the daemon serves nevertheless
}

const stateFile = "/var/lib/plexauthd/state.toml"

// wreckUnit is the beginning of a shell command that adds settings to the unit.
const wreckUnit = `printf >> /etc/systemd/system/plexauthd.service.d/test.conf -- `

var brokenBoxes = []broken{
	{"unknown key", `printf '[plex]\ncolour = "red"\n' > /etc/plexauthd/config.toml`, "config.toml:2: plex.colour", "2"},
	{"no TOML", `echo 'url =' > /etc/plexauthd/config.toml`, "config.toml:1", "2"},
	{"settings that contradict", `printf '[pairing]\npoll_interval = "50s"\ntimeout = "40s"\n' > /etc/plexauthd/config.toml`, "config.toml:2: pairing.poll_interval", "2"},
	{"unreadable configuration", `chmod 0 /etc/plexauthd/config.toml`, "config.toml: cannot be read: permission denied", "2"},
	{"directory for a configuration", `rm /etc/plexauthd/config.toml; mkdir /etc/plexauthd/config.toml`, "config.toml: cannot be read", "2"},
	{"credential of the wrong length", `head -c 31 /dev/zero > /root/key; ` + wreckUnit + `'LoadCredential=plexauthd.key:/root/key\n'`, "credential plexauthd.key: 31 bytes are not a key", "2"},
	{"empty credential", `: > /root/key; ` + wreckUnit + `'LoadCredential=plexauthd.key:/root/key\n'`, "plexauthd.key is empty", "2"},
	{"state directory of somebody else", `chown -R daemon /var/lib/plexauthd`, "", ""},
	{"directory of somebody else that systemd does not see to", `mkdir -m 0700 /srv/state; mv ` + stateFile + ` /srv/state/; ` + wreckUnit + `'ExecStart=\nExecStart=/usr/sbin/plexauthd --state /srv/state/state.toml\n'`, "permission denied", ""},
	{"state is a link", `mv ` + stateFile + ` /root/; ln -s /root/state.toml ` + stateFile, "symbolic link", ""},
	{"state is a directory", `rm ` + stateFile + `; mkdir ` + stateFile, "not a regular file", ""},
	{"state is huge", `truncate -s 100M ` + stateFile, "longer than", ""},
	{"state is garbage", `head -c 4096 /dev/urandom > ` + stateFile, "set aside", ""},
	{"state is newer", `sed -i 's/^version = 1/version = 99/' ` + stateFile, "newer version", ""},
}

// brokenBuses are wrong in what each bus reads and tells in its own way.
var brokenBuses = []broken{
	{"no bus policy", `rm /usr/share/dbus-1/system.d/tv.retune.PlexAuth1*.conf`, "taking the bus name", "1"},
	{"no access group", `groupdel plexauth`, "there is no group plexauth", ""},
}

func TestBrokenBoxIsSaidInOneLine(t *testing.T) {
	for _, c := range brokenBoxes {
		t.Run(c.name, func(t *testing.T) { c.try(t, "dbus") })
	}
	onBothBuses(t, func(t *testing.T, bus string) {
		for _, c := range brokenBuses {
			t.Run(c.name, func(t *testing.T) { c.try(t, bus) })
		}
	})
}

// try breaks a box that is signed in and starts the service on it.
func (c broken) try(t *testing.T, bus string) {
	b := bootWithPlex(t, bootedtest.Options{Bus: bus})
	token := b.signIn(t)
	b.dropIn(t, "RestartSec=20ms") // as often as in half a minute of the real thing
	b.Run(t, "systemctl", "stop", "plexauthd")
	b.Run(t, "sh", "-ec", c.wreck)
	b.Run(t, "systemctl", "daemon-reload")
	b.Run(t, "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
	b.Run(t, "journalctl", "--rotate")
	b.Run(t, "journalctl", "--vacuum-time=1s")
	_, _ = b.Try("systemctl", "start", "plexauthd")
	if c.exit != "" {
		b.hasGivenUp(t, c.exit)
		for process, lines := range b.says(t, c.says) {
			bootedtest.MustEqual(t, "lines of process "+process, lines, 1)
		}
		return
	}
	b.servesBroken(t)
	if c.says != "" { // NSS may take its time to say that a group is missing
		b.WaitFor(t, "a complaint that says "+c.says, func() bool { return len(b.complaints(t)) > 0 })
	}
	for _, e := range b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd") {
		b.mustExplain(t, e["MESSAGE_ID"])
	}
	if c.says == "" {
		b.Run(t, "grep", "-qFe", token, stateFile)
		bootedtest.MustEqual(t, "token", b.token(t), token)
		bootedtest.MustEqual(t, "complaints", strings.Join(b.complaints(t), "\n"), "")
		return
	}
	complaints := b.complaints(t)
	if len(complaints) != 1 || !strings.Contains(complaints[0], c.says) {
		t.Errorf("not one line that says %q, but %q", c.says, complaints)
	}
}

// complaints are the daemon's messages that say warning or worse.
func (b *box) complaints(t *testing.T) (messages []string) {
	t.Helper()
	for _, e := range b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd") {
		if e["PRIORITY"] <= "4" {
			messages = append(messages, e["MESSAGE"])
		}
	}
	return messages
}

// servesBroken checks that the daemon runs and answers.
func (b *box) servesBroken(t *testing.T) {
	t.Helper()
	bootedtest.MustEqual(t, "service", b.Unit("ActiveState"), "active")
	bootedtest.MustEqual(t, "restarts", b.Unit("NRestarts"), "0")
	b.call(t, names.Credentials, "GetAuthHeaders")
}

// hasGivenUp checks that the service has ended for good.
func (b *box) hasGivenUp(t *testing.T, exit string) {
	t.Helper()
	b.WaitFor(t, "the restarts to end", func() bool { return b.Unit("ActiveState") == "failed" })
	bootedtest.MustEqual(t, "exit status", b.Unit("ExecMainStatus"), exit)
	restarts, err := strconv.Atoi(b.Unit("NRestarts"))
	if most := 30; err != nil || restarts > most || (exit == "2" && restarts > 0) {
		t.Errorf("exit status %s led to %d restarts: %v", exit, restarts, err)
	}
	repeated := b.Run(t, "journalctl", "--unit=plexauthd", "--no-pager", "--output=cat")
	if exit != "2" && !strings.Contains(repeated, "Start request repeated too quickly.") {
		t.Errorf("systemd has not given up (%s):\n%s", b.Unit("Result"), repeated)
	}
}

// says checks that the journal says what is wrong to a reader of just the messages.
// It returns how many lines each process has written about it.
func (b *box) says(t *testing.T, text string) map[string]int {
	t.Helper()
	lines := map[string]int{}
	journal := b.Run(t, "journalctl", "--unit=plexauthd", "--no-pager", "--output=short")
	for _, line := range strings.Split(journal, "\n") {
		_, rest, ours := strings.Cut(line, " plexauthd[")
		if process, message, _ := strings.Cut(rest, "]: "); ours && strings.Contains(message, text) {
			lines[process]++
		}
	}
	if len(lines) == 0 {
		t.Errorf("nothing says %q:\n%s", text, journal)
	}
	return lines
}
