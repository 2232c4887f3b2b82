// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestNothingTellsASecret goes through a whole life at the most talkative log
// level and looks at all that was printed or broadcast.
func TestNothingTellsASecret(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	monitor := b.monitor()
	p := b.start()
	f := b.frontend()

	token := b.signIn(f)
	secrets := []string{token, fmt.Sprintf("%x", token)}
	for _, call := range []string{"Validate", "Credentials.GetAuthHeaders", "Credentials.GetCurrentUser", "Credentials.GetStoredCredentials"} {
		if err := f.call(call).Err; err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	_ = f.call("Credentials.ValidateToken", token)
	_ = f.call("Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(token)})
	_ = f.call("Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(token), "email": dbus.MakeVariant(7)})
	secrets = append(secrets, b.pinIDs()...)
	for _, fault := range []plextvsim.Fault{{Status: 500}, {Reset: true}, {CutOff: true}, plextvsim.CaptivePortal()} {
		b.sim.Fail(fault)
		_ = f.call("Validate")
		b.sim.Clear()
	}
	id, _ := f.requestPin()
	secrets = append(secrets, b.pinIDs()...)
	b.sim.Fail(plextvsim.Fault{Reset: true})
	_ = f.call("CheckPinStatus", id)
	b.sim.Clear()
	b.sim.Fail(plextvsim.Fault{Status: 429}) // last: it silences all other questions for a while
	_ = f.call("Validate")
	b.sim.Clear()
	p.endsWithoutTelling(f, monitor, secrets)
}

// TestNothingTellsASecretOfTheHome does the same with a device key, media servers
// and home PINs.
func TestNothingTellsASecretOfTheHome(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	monitor := b.monitor()
	ada := b.ada()
	p := b.start("--config", b.configure("[auth]\nmode = \"legacy\"\n"))
	f := b.frontend()
	b.signInAs(f, ada)
	p.reload("[auth]\nmode = \"jwt\"\n") // so that it moves over as well
	for f.property("AuthMode") != "jwt" {
		f.await("PropertiesChanged")
	}
	for _, call := range []string{"Credentials.ListServers", "Home.ListUsers", "Credentials.GetToken"} {
		if err := f.call(call).Err; err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	const wrong = "9358"
	for _, pin := range []string{"", wrong, wrong + "x", bobsPIN} {
		_ = f.call("Home.SwitchUser", "2c3d4e5f60718293", pin)
	}
	f.await("AuthChanged")
	secrets := append(b.travelled(), b.kept()...)
	for _, endpoint := range []plextvsim.Endpoint{plextvsim.Resources, plextvsim.SwitchUser, plextvsim.HomeUsers} {
		b.sim.Fail(plextvsim.Fault{Endpoint: endpoint, Reset: true})
		_ = f.call("Credentials.RenewServerHeaders", machineID)
		_ = f.call("Home.SwitchUser", "2c3d4e5f60718293", bobsPIN)
		b.sim.Clear()
	}
	_ = f.call("Credentials.GetServerHeaders", machineID)
	_ = f.call("Home.SwitchUser", adasUUID, "")
	_ = f.call("Credentials.GetServerHeaders", machineID)
	secrets = append(append(secrets, b.travelled()...), b.kept()...)
	if text := strings.Join(secrets, " "); !strings.Contains(text, " eyJ") || len(secrets) < 10 {
		t.Fatalf("too few secrets to look for: %d", len(secrets))
	}
	log := p.endsWithoutTelling(f, monitor, secrets)
	for _, pin := range []string{bobsPIN, wrong} {
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
func (p *process) endsWithoutTelling(f *frontend, monitor func() string, secrets []string) (log string) {
	b, t := p.box, p.box.t
	t.Helper()
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.call("Credentials.SignOut").Err; err != nil {
		t.Error(err)
	}
	p.signal(syscall.SIGTERM)
	p.wait()

	places := map[string]string{
		"the log":                           b.output.String(),
		"the command line":                  string(cmdline),
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

// travelled gives the tokens, nonces signed with the device key and all other JWTs
// that the daemon has sent to plex.tv.
func (b *box) travelled() (secrets []string) {
	for _, request := range b.sim.Requests() {
		for _, text := range []string{request.Header.Get("X-Plex-Token"), request.Query.Get("deviceJWT")} {
			if text != "" {
				secrets = append(secrets, text)
			}
		}
		secrets = append(secrets, regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).FindAllString(string(request.Body), -1)...)
	}
	return secrets
}

// kept gives the secrets that the state file holds: tokens, those that media
// servers take, and the device key.
func (b *box) kept() (secrets []string) {
	b.t.Helper()
	text, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?:token|private_key)[\\" :=]+([\w.-]+)`).FindAllSubmatch(text, -1) {
		secrets = append(secrets, string(match[1]))
	}
	return secrets
}

// pinIDs reads plex.tv's own PIN ids from where they may lie: the state file.
func (b *box) pinIDs() (ids []string) {
	text, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`plex_id = "(\d+)"`).FindAllSubmatch(text, -1) {
		ids = append(ids, string(match[1]))
	}
	return ids
}

func (b *box) allNotes() string {
	var all strings.Builder
	for {
		select {
		case note := <-b.notes:
			all.WriteString(note)
		default:
			return all.String()
		}
	}
}

// monitor runs busctl on the main interface and the properties until its
// result is asked for.
func (b *box) monitor() (captured func() string) {
	b.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("busctl", "--address="+b.bus.Address, "monitor", "--json=short",
		"--match=interface='"+names.Main+"'", "--match=interface='org.freedesktop.DBus.Properties'")
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	// It says "Monitoring bus message stream." when it listens.
	if _, err := stderr.Read(make([]byte, 1)); err != nil {
		b.t.Fatalf("busctl monitor: %v", err)
	}
	return func() string {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		return out.String()
	}
}
