// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestBus(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.finds("daemon", Wrong, "not on the bus, and the bus cannot start it", "start it: plexauthd --bus unix:")
	p.finds("access", Unknown, "nobody answers", "", "daemon")
	p.Box.Bus.Stop()
	p.finds("bus", Wrong, "", "start that bus")
	p.finds("daemon", Unknown, "no connection to a bus", "", "bus")
	p.Options.Bus = "system"
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
	p.finds("bus", Wrong, "no such file", "systemctl start dbus.socket")
}

func TestBusThatSaysNothing(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	p := newPatient(t, bustest.Session(t))
	p.Options.Bus = "unix:path=" + socket
	p.finds("bus", Wrong, "", "start that bus")
}

func TestBusThatDoesNotSayWhoIsCalling(t *testing.T) {
	p := newPatient(t, bustest.Picky(t, bustest.Session(t), false))
	p.StartDaemon()
	p.finds("access", Wrong, "plexauthd cannot answer: the bus does not identify callers", "see journalctl -x -u plexauthd")
}

// policy gives a policy file with more rules than that the daemon may be there.
func (p *patient) policy(rules string) string {
	return p.write("policy.conf", `<busconfig><policy context="default"><allow own="tv.retune.PlexAuth1"/>`+rules+`</policy></busconfig>`, 0o644)
}

const mayLook = `<allow send_destination="tv.retune.PlexAuth1" send_interface="org.freedesktop.DBus.Properties"/>`

func TestPolicy(t *testing.T) {
	writer := &patient{t: t}
	p := newPatient(t, bustest.System(t, writer.policy("")))
	p.StartDaemon()
	p.finds("daemon", Wrong, "does not let this user ask", "systemctl reload dbus")

	p = newPatient(t, bustest.System(t, writer.policy(mayLook)))
	p.StartDaemon()
	advice := "join the group plexauth"
	if os.Getuid() == 0 {
		advice = "systemctl reload dbus"
	}
	p.finds("access", Wrong, "", advice)

	p = newPatient(t, bustest.System(t, writer.policy(mayLook+`<allow send_destination="tv.retune.PlexAuth1" send_interface="tv.retune.PlexAuth1"/>`)))
	p.StartDaemon()
	p.finds("access", OK, "may pair, but not read the token", "")
}

func TestGroup(t *testing.T) {
	system, session := &examination{Options: Options{Bus: "system"}}, &examination{Options: Options{Bus: "unix:path=/b"}}
	allowed := &examination{Options: Options{Bus: "system"}, allowed: true}
	for _, c := range []struct {
		x      *examination
		m      membership
		result Result
		advice string
	}{
		{system, membership{uid: 0}, OK, ""},
		{allowed, membership{uid: 7}, OK, ""},
		{system, membership{uid: 7}, Wrong, "create it and restart the daemon: systemd-sysusers"},
		{system, membership{uid: 0, exists: true}, OK, ""},
		{system, membership{uid: 7, exists: true, held: true}, OK, ""},
		{system, membership{uid: 7, exists: true, listed: true}, Wrong, "log out and in again"},
		{system, membership{uid: 7, exists: true, name: "kodi"}, Wrong, "as root: usermod -aG plexauth kodi; then log out"},
		{system, membership{uid: 7, exists: true}, Wrong, "as root: usermod -aG plexauth; then log out"},
		{allowed, membership{uid: 7, exists: true}, OK, ""},
		{session, membership{uid: 7}, Unknown, ""},
		{session, membership{uid: 7, exists: true, name: "kodi"}, Wrong, "as root: usermod"},
	} {
		if f := c.x.judgeGroup(c.m); f.Result != c.result || !strings.HasPrefix(f.Advice, c.advice) {
			t.Errorf("%s, %+v: %+v", c.x.Bus, c.m, f)
		}
	}
	if m, err := findMembership(t.Context()); err != nil || m.uid != os.Getuid() || (m.exists && m.name == "") {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestService(t *testing.T) {
	for shown, want := range map[string]Finding{
		"LoadState=not-found\nActiveState=inactive":                                                 {Result: Unknown, Finding: "not a service"},
		"LoadState=masked\nActiveState=inactive":                                                    {Result: Wrong, Finding: "masked", Advice: "systemctl status"},
		"LoadState=loaded\nActiveState=inactive":                                                    {Result: Wrong, Finding: "it is inactive", Advice: "systemctl enable"},
		"LoadState=loaded\nActiveState=activating\nSubState=start":                                  {Result: OK, Finding: "just starting"},
		"LoadState=loaded\nActiveState=reloading\nSubState=reload":                                  {Result: OK, Finding: "reloading"},
		"LoadState=loaded\nActiveState=activating\nSubState=auto-restart":                           {Result: Wrong, Finding: "it is activating", Advice: "systemctl enable"},
		"LoadState=loaded\nActiveState=active\nStatusText=Signed in":                                {Result: OK, Finding: "Signed in"},
		"LoadState=loaded\nActiveState=failed\nResult=r\nNRestarts=30":                              {Result: Wrong, Finding: "failed (r) after 30 restarts", Advice: "journalctl"},
		"LoadState=loaded\nActiveState=active\nStatusText=Nobody; the state cannot be saved: newer": {Result: Wrong, Finding: "cannot be saved: newer", Advice: "journalctl"},
	} {
		f := judgeService(shown)
		if f.Result != want.Result || !strings.Contains(f.Finding, want.Finding) || !strings.Contains(f.Advice, want.Advice) {
			t.Errorf("%q: %+v", shown, f)
		}
	}
}
