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
