// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// asProgram makes the test binary be plexauthctl, for tests that need a process.
const asProgram = "PLEXAUTHCTL_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// person is somebody at a box who runs plexauthctl.
type person struct {
	*clienttest.Box
	t     *testing.T
	clock clockwork.Clock // of plexauthctl
	types string          // to its standard input
	saw   *bytes.Buffer   // all that was printed
}

func newPerson(t *testing.T) *person {
	t.Helper()
	return personAt(t, clienttest.New(t, bustest.Session(t)))
}

func personAt(t *testing.T, box *clienttest.Box) *person {
	t.Helper()
	p := &person{Box: box, t: t, clock: clockwork.NewRealClock(), saw: new(bytes.Buffer)}
	box.StartDaemon()
	t.Cleanup(func() {
		for _, secret := range p.Secrets() {
			if strings.Contains(p.saw.String(), secret) {
				t.Errorf("a secret was printed:\n%s", p.saw)
			}
		}
	})
	return p
}

// withoutLeave is a person who may read the status but not call.
func withoutLeave(t *testing.T) *person {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "closed.conf")
	err := os.WriteFile(policy, []byte(`<busconfig><policy context="default">
  <allow own="tv.retune.PlexAuth1"/>
  <allow send_destination="tv.retune.PlexAuth1" send_interface="org.freedesktop.DBus.Properties"/>
</policy></busconfig>`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return personAt(t, clienttest.New(t, bustest.System(t, policy)))
}

// run runs plexauthctl to its end.
func (p *person) run(args ...string) (status int, stdout, stderr string) {
	p.t.Helper()
	r := p.begin(args...)
	for line := range r.lines {
		stdout += line + "\n"
	}
	status, stderr = r.end()
	return status, stdout, stderr
}

// running is a plexauthctl at work.
type running struct {
	p      *person
	lines  chan string // of standard output
	ctrlC  context.CancelFunc
	stderr bytes.Buffer
	status chan int
}

func (p *person) begin(args ...string) *running {
	p.t.Helper()
	ctx, ctrlC := context.WithTimeout(p.t.Context(), clienttest.Timeout)
	p.t.Cleanup(ctrlC)
	r := &running{p: p, lines: make(chan string, 1000), ctrlC: ctrlC, status: make(chan int, 1)}
	args = append([]string{"--bus", p.Bus.Address}, args...)
	reader, writer := io.Pipe()
	go func() {
		defer close(r.lines)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			r.lines <- scanner.Text()
		}
	}()
	go func() {
		program := &program{clock: p.clock, stdin: strings.NewReader(p.types), out: &output{w: writer}, stderr: &r.stderr}
		status := program.run(ctx, args)
		_ = writer.Close()
		r.status <- status
	}()
	return r
}

// end waits for the end.
func (r *running) end() (status int, stderr string) {
	r.p.t.Helper()
	for line := range r.lines {
		r.see(line)
	}
	status = <-r.status
	r.see(r.stderr.String())
	return status, r.stderr.String()
}

// ends checks how it ends: the status and what standard error holds.
func (r *running) ends(status int, says string) {
	r.p.t.Helper()
	got, stderr := r.end()
	if got != status || (says == "" && stderr != "") || !strings.Contains(stderr, says) || strings.Count(stderr, "\n") > 1 {
		r.p.t.Errorf("exit status %d, not %d; standard error, one line with %q:\n%s", got, status, says, stderr)
	}
}

func (r *running) see(text string) { r.p.saw.WriteString(text + "\n") }

// await returns the next line that holds the text.
func (r *running) await(text string) string {
	r.p.t.Helper()
	for line := range r.lines {
		r.see(line)
		if strings.Contains(line, text) {
			return line
		}
	}
	status, stderr := r.end()
	r.p.t.Fatalf("%q was not printed; exit status %d: %s", text, status, stderr)
	return ""
}

// awaitPairing returns what login --json says about the pairing.
func (r *running) awaitPairing() client.Pairing {
	r.p.t.Helper()
	var view client.Pairing
	decode(r.p.t, r.await(`"event":"pairing"`), &view)
	return view
}

func decode(t *testing.T, text string, target any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), target); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
}

func (p *person) state() client.Status {
	p.t.Helper()
	s, err := p.Client().State(p.bounded())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// bounded is the test's context, ending before the test run would.
func (p *person) bounded() context.Context {
	ctx, cancel := context.WithTimeout(p.t.Context(), clienttest.Timeout)
	p.t.Cleanup(cancel)
	return ctx
}

// elsewhere runs the daemon for a while where nobody on the box hears it.
func (p *person) elsewhere(act func()) {
	p.t.Helper()
	here := p.Bus
	p.Bus = bustest.Session(p.t)
	p.StartDaemon()
	act()
	p.StopDaemon()
	p.Bus = here
	p.StartDaemon()
}

func (p *person) claim(code string) {
	p.t.Helper()
	if err := p.Plex.Claim(code, ""); err != nil {
		p.t.Fatal(err)
	}
}

func TestWrongUse(t *testing.T) {
	for line, says := range map[string]string{
		"":                      "name a command: ",
		"sing":                  `unknown command "sing"`,
		"status now":            `unexpected argument "now"`,
		"switch":                "name one user",
		"switch Bob 4711":       "name one user",
		"login --colour":        "--colour",
		"login --qr=sometimes":  "auto, always or never",
		"login --token=secret":  "--token",
		"--bus nowhere status":  `"nowhere"`,
		"--bus= status":         `""`,
		"help sing":             `"sing"`,
		"completion":            "bash",
		"completion ksh":        `"ksh"`,
		"completion bash twice": "twice",
	} {
		t.Run(line, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
			if status != exitUsage || stdout.Len() > 0 {
				t.Errorf("exit status %d, output %q", status, &stdout)
			}
			if text := stderr.String(); !strings.HasPrefix(text, "plexauthctl: ") || !strings.Contains(text, says) || strings.Count(text, "\n") != 1 {
				t.Errorf("standard error, one line with %q:\n%s", says, text)
			}
		})
	}
}

func TestHelpAndCompletion(t *testing.T) {
	for line, says := range map[string]string{
		"--help":          "Exit status",
		"help login":      "--strong",
		"completion bash": "plexauthctl",
		"completion zsh":  "plexauthctl",
		"completion fish": "plexauthctl",
		"__complete lo":   "login",
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
		if status != exitDone || !strings.Contains(stdout.String(), says) {
			t.Errorf("%s: exit status %d, %q is missing:\n%s%s", line, status, says, &stdout, &stderr)
		}
	}
}

// TestWhatToDo checks that failures on the way to plexauthd say what to do.
func TestWhatToDo(t *testing.T) {
	p := newPerson(t)
	p.StopDaemon()
	for _, command := range []string{"status", "login", "logout", "validate", "headers", "users", "servers"} {
		p.begin(command).ends(exitFailed, "start it with plexauthd --bus "+p.Bus.Address)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", p.Bus.Address)
	for bus, says := range map[string]string{
		"system":                 "systemctl start plexauthd",
		"unix:path=/nowhere/bus": "check that D-Bus runs",
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), []string{"status", "--bus", bus}, strings.NewReader(""), io.Discard, &stderr)
		if status != exitFailed || !strings.Contains(stderr.String(), says) {
			t.Errorf("exit status %d, %q is missing in: %s", status, says, &stderr)
		}
	}
}

func TestFullDiskIsNoSuccess(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	p := newPerson(t)
	p.SignIn()
	for _, command := range []string{"status", "validate", "headers", "users", "servers", "version", "watch", "login"} {
		var stderr bytes.Buffer
		args := []string{command, "--bus", p.Bus.Address}
		status := run(p.bounded(), args, strings.NewReader(""), full, &stderr)
		if status != exitFailed || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: exit status %d: %s", command, status, &stderr)
		}
	}
}
