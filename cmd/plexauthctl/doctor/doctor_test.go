package doctor

import (
	"context"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/boxtest"
)

// patient is a box to be examined, with nothing wrong.
type patient struct {
	*boxtest.Box
	t    *testing.T
	plex *plextvsim.Server
	Options
}

func newPatient(t *testing.T, bus *bustest.Bus) *patient {
	t.Helper()
	p := &patient{Box: boxtest.New(t, bus), t: t}
	p.plex = p.Plex.StartTLS()
	t.Cleanup(p.plex.Close)
	p.Options = Options{
		Bus: bus.Address, PlexURL: p.plex.URL, RootCAs: p.plex.CAPool(), Clock: clockwork.NewRealClock(),
		Config: p.write("config.toml", "", 0o644), State: p.write("state.toml", "", 0o600),
	}
	return p
}

// write makes a file in a directory of its own, which is its owner's alone.
func (p *patient) write(name, text string, mode os.FileMode) string {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), name)
	if err := os.Chmod(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
	return file
}

// finds checks the findings of one check, and that only the checks named are wrong.
func (p *patient) finds(check string, result Result, text, advice string, alsoWrong ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 4*boxtest.Timeout)
	defer cancel()
	for _, f := range Examine(ctx, p.Options) {
		switch {
		case f.Check == check:
			if f.Result != result || !strings.Contains(f.Finding, text) || !strings.Contains(f.Advice, advice) {
				p.t.Errorf("%+v, not %s with %q and %q", f, result, text, advice)
			}
		case f.Result == Wrong && !strings.Contains(strings.Join(alsoWrong, " "), f.Check):
			p.t.Errorf("beside %s: %+v", check, f)
		}
		if (f.Result == Wrong) != (f.Advice != "") {
			p.t.Errorf("%+v: advice belongs to what is wrong", f)
		}
		for _, secret := range p.Secrets() {
			if strings.Contains(f.Finding+f.Advice, secret) {
				p.t.Errorf("a secret is in %+v", f)
			}
		}
	}
}

func TestNothingIsWrong(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.finds("sign-in", OK, "nobody is signed in", "")
	p.SignIn()
	for check, text := range map[string]string{
		"bus": "answers", "daemon": "plexauthd " + boxtest.Version + " runs", "access": "may pair and read", "state file": "owner's alone",
		"sign-in": "somebody is signed in", "configuration": p.plex.URL, "tls": "is good", "plex.tv": "answers", "clock": "agrees",
	} {
		p.finds(check, OK, text, "")
	}
	for check, text := range map[string]string{"service": "no service of systemd", "group": "needs no group", "dns": "is no name"} {
		p.finds(check, Unknown, text, "")
	}
}

func TestBus(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.finds("daemon", Wrong, "not on the bus, and the bus cannot start it", "start it: plexauthd --bus unix:")
	p.finds("access", Unknown, "nobody answers", "", "daemon")
	p.Box.Bus.Stop()
	p.finds("bus", Wrong, "", "start that bus")
	p.finds("daemon", Unknown, "no bus to look on", "", "bus")
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

// policy gives a policy file with more rules than that the daemon may be there.
func (p *patient) policy(rules string) string {
	return p.write("policy.conf", `<busconfig><policy context="default"><allow own="tv.retune.PlexAuth1"/>`+rules+`</policy></busconfig>`, 0o644)
}

const mayLook = `<allow send_destination="tv.retune.PlexAuth1" send_interface="org.freedesktop.DBus.Properties"/>`

func TestPolicy(t *testing.T) {
	writer := &patient{t: t}
	p := newPatient(t, bustest.System(t, writer.policy("")))
	p.StartDaemon()
	p.finds("daemon", Wrong, "lets nobody ask", "systemctl reload dbus")

	p = newPatient(t, bustest.System(t, writer.policy(mayLook)))
	p.StartDaemon()
	advice := "join the group plexauth"
	if os.Getuid() == 0 {
		advice = "systemctl reload dbus"
	}
	p.finds("access", Wrong, "", advice, "group")

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
		{system, membership{uid: 0}, Wrong, "make it, and start the daemon again: systemd-sysusers"},
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
	if accessGroup != dbusapi.AccessGroup || configFile != daemon.DefaultConfig {
		t.Error("the daemon has other names")
	}
	if m, err := findMembership(); err != nil || m.uid != os.Getuid() || (m.exists && m.name == "") {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestSignIn(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	token := p.SignIn()
	p.Plex.Fail(plextvsim.Fault{Reset: true})
	p.StopDaemon()
	p.StartDaemon()
	p.finds("sign-in", Wrong, "could not be confirmed", "asks again by itself", "plex.tv", "tls")
	p.Plex.Clear()
	if err := p.Plex.Revoke(token); err != nil {
		t.Fatal(err)
	}
	p.StopDaemon()
	p.StartDaemon()
	p.awaitExpired()
	p.finds("sign-in", Wrong, "refused the token", "plexauthctl login")
}

// awaitExpired waits until the daemon has noticed.
func (p *patient) awaitExpired() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), boxtest.Timeout)
	defer cancel()
	c, err := client.Dial(ctx, p.Box.Bus.Address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	watch, err := c.Watch(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	for event := range watch.Events {
		if event.Status.State == client.Expired {
			return
		}
	}
	p.t.Fatal(watch.Err())
}

func TestConfiguration(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	good := p.Options
	p.Config = p.write("config.toml", "[plex]\ncolour = \"red\"\n", 0o644)
	p.finds("configuration", Wrong, "config.toml:2: plex.colour", "plexauthd --check-config")
	p.finds("plex.tv", Unknown, "cannot be told", "", "configuration")
	p.Config = "/nowhere/config.toml"
	p.finds("configuration", Wrong, "cannot be read", "plexauthd --check-config")
	p.Options = good
	p.PlexURL = "http://plex.example"
	p.finds("configuration", Wrong, "loopback", "--plex-url")
	p.PlexURL, p.Config = "", p.write("config.toml", "[plex]\nurl = \""+good.PlexURL+"\"\n", 0o644)
	p.finds("plex.tv", OK, "answers", "")
}

func TestStateFile(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.State = p.write("state.toml", "", 0o644)
	p.finds("state file", Wrong, "open to others: mode 0644", "chmod 600 "+p.State)
	p.State = p.write("state.toml", "", 0o600)
	dir := filepath.Dir(p.State)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.finds("state file", Wrong, "open to others: mode 0755", "chmod 700 "+dir)
	p.State = dir
	p.finds("state file", Wrong, "no regular file", "restart plexauthd")
	p.State = filepath.Join(dir, "none")
	p.finds("state file", OK, "nothing has been stored", "")
	p.State = ""
	p.finds("state file", Unknown, "name it with --state", "")
	if f := judgeModes("/d/f", &info{mode: 0o600, uid: 0}, &info{mode: 0o700, uid: 7}); f.Result != Wrong || !strings.Contains(f.Advice, "chown --reference=/d /d/f") {
		t.Errorf("%+v", f)
	}
}

// info is a file that root's own tests cannot make without another user.
type info struct {
	os.FileInfo
	mode os.FileMode
	uid  uint32
}

func (i *info) Mode() os.FileMode { return i.mode }
func (i *info) Sys() any          { return &syscall.Stat_t{Uid: i.uid} }

func TestService(t *testing.T) {
	for shown, want := range map[string]Finding{
		"LoadState=not-found\nActiveState=inactive":                                                {Result: Unknown, Finding: "no service"},
		"LoadState=masked\nActiveState=inactive":                                                   {Result: Wrong, Finding: "masked", Advice: "systemctl status"},
		"LoadState=loaded\nActiveState=inactive":                                                   {Result: Wrong, Finding: "it is inactive", Advice: "systemctl enable"},
		"LoadState=loaded\nActiveState=active\nStatusText=Signed in":                               {Result: OK, Finding: "Signed in"},
		"LoadState=loaded\nActiveState=failed\nResult=r\nNRestarts=30":                             {Result: Wrong, Finding: "failed (r) after 30 restarts", Advice: "journalctl"},
		"LoadState=loaded\nActiveState=active\nStatusText=Nobody; the state cannot be kept: newer": {Result: Wrong, Finding: "cannot be kept: newer", Advice: "journalctl"},
	} {
		f := judgeService(shown)
		if f.Result != want.Result || !strings.Contains(f.Finding, want.Finding) || !strings.Contains(f.Advice, want.Advice) {
			t.Errorf("%q: %+v", shown, f)
		}
	}
}

func TestPlexIsFarAway(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	good := p.Options
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	p.PlexURL = "https://plex.invalid" // RFC 6761
	p.finds("dns", Wrong, "the name plex.invalid", "/etc/resolv.conf")
	p.finds("tls", Unknown, "without the address", "", "dns")
	p.PlexURL = "https://" + closed.Addr().String()
	p.finds("tls", Wrong, "connection refused", "on the network")
	p.PlexURL = strings.Replace(good.PlexURL, "127.0.0.1", "localhost", 1)
	p.finds("dns", OK, "localhost has ", "")
	p.Options = good
	p.RootCAs = x509.NewCertPool()
	p.finds("tls", Wrong, "unknown authority", "ca-certificates")
	p.finds("plex.tv", Unknown, "see above", "", "tls")
}

func TestPlexIsNotItself(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	for _, c := range []struct {
		fault        plextvsim.Fault
		text, advice string
	}{
		{plextvsim.CaptivePortal(), "what answers is not plex.tv: an HTML page", "wants a sign-in of its own"},
		{plextvsim.Fault{CutOff: true}, "what answers is not plex.tv", "wants a sign-in of its own"},
		{plextvsim.Fault{Status: 503}, "plex.tv has a fault", "status.plex.tv"},
		{plextvsim.Fault{Status: 429, RetryAfter: "60"}, "wants fewer questions", "nothing on this box is broken"},
		{plextvsim.Fault{Status: 403}, "refuses to answer", "newer plexauthd"},
		{plextvsim.Fault{Reset: true}, "reset", "on the network"},
	} {
		p.Plex.Fail(c.fault)
		p.finds("plex.tv", Wrong, c.text, c.advice)
		p.Plex.Clear()
	}
}

func TestClock(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.Plex.Fail(plextvsim.Fault{Skew: time.Hour})
	p.finds("clock", Wrong, "1h0m0s behind plex.tv's", "timedatectl set-ntp true")
	p.Plex.Clear()
	p.Plex.Fail(plextvsim.Fault{Skew: -10 * time.Minute})
	p.finds("clock", Wrong, "10m0s ahead of plex.tv's", "timedatectl")
	p.Plex.Clear()
	p.Clock = clockwork.NewFakeClockAt(time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC))
	p.finds("tls", Wrong, "and here it is 1970-01-01", "set the clock", "clock")
	p.finds("clock", Wrong, "the certificate is good from ", "timedatectl", "tls")
}
