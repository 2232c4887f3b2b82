// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestNothingTellsASecret goes through a whole life at the most talkative log
// level and looks at all that was printed or broadcast.
func TestNothingTellsASecret(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	monitor := b.monitor()
	p := b.Start()
	f := b.Frontend()

	token := b.SignIn(f)
	secrets := []string{token, fmt.Sprintf("%x", token)}
	for _, call := range []string{"Validate", "Credentials.GetAuthHeaders", "Credentials.GetCurrentUser", "Credentials.GetStoredCredentials"} {
		if err := f.Call(call).Err; err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	_ = f.Call("Credentials.ValidateToken", token)
	_ = f.Call("Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(token)})
	_ = f.Call("Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(token), "email": dbus.MakeVariant(7)})
	secrets = append(secrets, b.pinIDs()...)
	for _, fault := range []plextvsim.Fault{{Status: 500}, {Reset: true}, {CutOff: true}, plextvsim.CaptivePortal()} {
		b.Sim.Fail(fault)
		_ = f.Call("Validate")
		b.Sim.Clear()
	}
	id, _ := f.RequestPin()
	secrets = append(secrets, b.pinIDs()...)
	b.Sim.Fail(plextvsim.Fault{Reset: true})
	_ = f.Call("CheckPinStatus", id)
	b.Sim.Clear()
	b.Sim.Fail(plextvsim.Fault{Status: 429}) // last: it silences all other questions for a while
	_ = f.Call("Validate")
	b.Sim.Clear()
	endsWithoutTelling(p, f, monitor, secrets)
}

// TestNothingTellsASecretOfTheHome does the same with a device key, media servers
// and home PINs.
func TestNothingTellsASecretOfTheHome(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	monitor := b.monitor()
	ada := b.Ada()
	p := b.Start() // mode legacy
	f := b.Frontend()
	b.SignInAs(f, ada)
	p.Reload("[auth]\nmode = \"jwt\"\n") // so that it moves over as well
	f.AwaitProperty("AuthMode", "jwt")
	for _, call := range []string{"Credentials.ListServers", "Home.ListUsers", "Credentials.GetToken"} {
		if err := f.Call(call).Err; err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	const wrong = "9358"
	for _, pin := range []string{"", wrong, wrong + "x", daemontest.BobsPIN} {
		_ = f.Call("Home.SwitchUser", "2c3d4e5f60718293", pin)
	}
	f.Await("AuthChanged")
	secrets := append(b.Sim.Secrets(), b.kept()...)
	for _, endpoint := range []plextvsim.Endpoint{plextvsim.Resources, plextvsim.SwitchUser, plextvsim.HomeUsers} {
		b.Sim.Fail(plextvsim.Fault{Endpoint: endpoint, Reset: true})
		_ = f.Call("Credentials.RenewServerHeaders", daemontest.MachineID)
		_ = f.Call("Home.SwitchUser", "2c3d4e5f60718293", daemontest.BobsPIN)
		b.Sim.Clear()
	}
	_ = f.Call("Credentials.GetServerHeaders", daemontest.MachineID)
	_ = f.Call("Home.SwitchUser", daemontest.AdasUUID, "")
	_ = f.Call("Credentials.GetServerHeaders", daemontest.MachineID)
	secrets = append(append(secrets, b.Sim.Secrets()...), b.kept()...)
	text := strings.Join(secrets, " ")
	if !strings.Contains(text, " eyJ") || len(secrets) < 10 || !strings.Contains(b.keptServers(), "token") {
		t.Fatalf("too few secrets to look for: %d", len(secrets))
	}
	log := endsWithoutTelling(p, f, monitor, secrets)
	for _, pin := range []string{daemontest.BobsPIN, wrong} {
		if regexp.MustCompile(`(^|[^\w.-])` + pin + `([^\w.-]|$)`).MatchString(log) {
			t.Errorf("the log holds a home PIN:\n%s", log)
		}
	}
	if !strings.Contains(log, "user-switched") && !strings.Contains(log, "another user of the home") {
		t.Errorf("nobody has switched:\n%s", log)
	}
}

// endsWithoutTelling signs out, ends the daemon and looks for the secrets wherever
// others can. It returns the log.
func endsWithoutTelling(p *daemontest.Process, f *daemontest.Frontend, monitor func() string, secrets []string) (log string) {
	b, t := &box{p.Box}, p.Box.TB
	t.Helper()
	cmdline := daemontest.Read(t, fmt.Sprintf("/proc/%d/cmdline", p.Pid))
	if err := f.Call("Credentials.SignOut").Err; err != nil {
		t.Error(err)
	}
	p.Signal(syscall.SIGTERM)
	p.Wait()

	places := map[string]string{
		"the log":                           b.Printed.String(),
		"the command line":                  cmdline,
		"the monitor of the main interface": monitor(),
		"what the service manager heard":    b.allNotes(),
	}
	for place, text := range places {
		if text == "" {
			t.Errorf("%s is empty: nothing was looked at", place)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret:\n%s", place, text)
			}
		}
	}
	return places["the log"]
}

// kept gives the secrets on the disk: tokens, those that media servers take, and the
// device key.
func (b *box) kept() (secrets []string) {
	b.Helper()
	text := daemontest.Read(b, b.State) + b.keptServers()
	for _, match := range regexp.MustCompile(`(?:token|private_key)[\\" :=]+([\w.-]+)`).FindAllStringSubmatch(text, -1) {
		secrets = append(secrets, match[1])
	}
	return secrets
}

// keptServers is the text of the file with the media servers, empty without one.
func (b *box) keptServers() string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(b.State), statefile.ServersName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	return string(text)
}

// pinIDs reads plex.tv's own PIN ids from where they may lie: the state file.
func (b *box) pinIDs() (ids []string) {
	text := daemontest.Read(b, b.State)
	for _, match := range regexp.MustCompile(`plex_id = "(\d+)"`).FindAllStringSubmatch(text, -1) {
		ids = append(ids, match[1])
	}
	return ids
}

func (b *box) allNotes() string {
	var all strings.Builder
	for {
		select {
		case note := <-b.Notes:
			all.WriteString(note)
		default:
			return all.String()
		}
	}
}

// monitor runs busctl on the main interface and the properties until its
// result is asked for.
func (b *box) monitor() (captured func() string) {
	b.Helper()
	p := daemontest.Run(b, exec.Command("busctl", "--address="+b.Bus.Address, "monitor", "--json=short",
		"--match=interface='"+names.Main+"'", "--match=interface='org.freedesktop.DBus.Properties'"))
	p.AwaitText("Monitoring bus message stream")
	return p.Stop
}
