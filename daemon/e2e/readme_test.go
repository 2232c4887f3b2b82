package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// blocks are the code blocks of the README in one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	if len(found) == 0 {
		t.Fatalf("the README has no %s", language)
	}
	return found
}

// TestExamples runs the programs of the README as they stand there: they ask
// for a PIN, somebody claims it, they say so.
func TestExamples(t *testing.T) {
	for language, prepare := range map[string]func(t *testing.T, source string) *exec.Cmd{
		"python": python, "c": compileC, "go": compileGo,
	} {
		t.Run(language, func(t *testing.T) {
			cmd := prepare(t, blocks(t, language)[0])
			b := newBox(t)
			b.start()
			cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+b.bus.Address)
			var out output
			cmd.Stdout, cmd.Stderr = &out, &out
			f := b.frontend()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			f.await("PropertiesChanged") // the pairing
			_, code := f.requestPin()
			if err := b.sim.Claim(code, b.sim.AddUser(plextvsim.User{Title: "Ada"})); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			if text := out.String(); !strings.Contains(text, code) || !strings.Contains(text, "signed in") {
				t.Errorf("it printed\n%s", text)
			}
		})
	}
}

// python needs Debian's interpreter, which has Debian's modules.
func python(t *testing.T, source string) *exec.Cmd {
	return exec.Command("/usr/bin/python3", "-c", source)
}

func compileC(t *testing.T, source string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	file, program := filepath.Join(dir, "plex.c"), filepath.Join(dir, "plex")
	write(t, file, source)
	mustRun(t, exec.Command("sh", "-c", fmt.Sprintf("cc -Wall -o %s %s $(pkg-config --cflags --libs libsystemd)", program, file)))
	return exec.Command(program)
}

// compileGo builds inside this module: the example imports it.
func compileGo(t *testing.T, source string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "plex")
	write(t, file, source)
	mustRun(t, exec.Command("go", "build", "-o", program, file))
	return exec.Command(program)
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// TestTranscripts types what the README's transcripts type, and compares the
// types of the answers with what is printed there; values differ each time.
func TestTranscripts(t *testing.T) {
	b := newBox(t)
	b.start()
	f := b.frontend()
	shell := fmt.Sprintf(`cd %[3]s
plex="tv.retune.PlexAuth1 /tv/retune/PlexAuth1 tv.retune.PlexAuth1"
creds="$plex.Credentials" home="$plex.Home"
busctl() { command busctl --address=%[1]s "$@"; }
plexauthctl() { command %[2]s/plexauthctl --bus %[1]s "$@"; }
`, b.bus.Address, programs, b.dir)
	parts := blocks(t, "console")
	b.transcript(shell, parts[0])
	pins := b.sim.Pins()
	b.claim(pins[len(pins)-1].Code)
	f.await("AuthChanged")
	b.transcript(shell, parts[1])
	f.await("AuthChanged")
	ada := b.ada()
	b.signInAs(f, ada)
	write(t, filepath.Join(b.dir, "retune_plex_auth.json"), `{"version":1,"token":{"token":"`+ada+`"}}`)
	for _, part := range parts[2:] {
		b.transcript(shell, part)
	}
}

// TestConfigurations checks the configurations of the README as the daemon would.
func TestConfigurations(t *testing.T) {
	for _, text := range blocks(t, "toml") {
		file := filepath.Join(t.TempDir(), "config.toml")
		write(t, file, text)
		mustRun(t, exec.Command(filepath.Join(programs, "plexauthd"), "--check-config", "--config", file))
	}
}

func (b *box) transcript(shell, text string) {
	b.t.Helper()
	var id string // the pairing of this run in place of the one in the README
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		want := ""
		if i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "$ ") {
			want, _, _ = strings.Cut(lines[i+1], " ")
		}
		command = regexp.MustCompile(` t \d+$`).ReplaceAllString(command, " t "+id)
		out, err := exec.Command("bash", "-c", shell+command).CombinedOutput()
		fields := append(strings.Fields(string(out)), "", "")
		if (err != nil) != (want == "Call") || fields[0] != want { // "Call failed: …"
			b.t.Errorf("%s\nanswers %q (%v), not %s", command, out, err, want)
		}
		if want == "tsssx" {
			id = fields[1]
		}
	}
}
