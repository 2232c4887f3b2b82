// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// manualSessions are the terminal sessions in the EXAMPLES of plexauthd(8).
func manualSessions(t *testing.T) []string {
	t.Helper()
	source := daemontest.Read(t, "../../packaging/man/plexauthd.8")
	var found []string
	for _, match := range regexp.MustCompile(`(?ms)^\.EX\n(\$ .*?)^\.EE$`).FindAllStringSubmatch(source, -1) {
		found = append(found, strings.NewReplacer(`\-`, `-`, `\e`, `\`, `\(aq`, `'`, `\(dq`, `"`).Replace(match[1]))
	}
	return found
}

// TestManual types what the terminal sessions of plexauthd(8) type, and compares
// the types of the answers with what is printed there; values differ each time.
func TestManual(t *testing.T) {
	sessions := manualSessions(t)
	if len(sessions) != 7 {
		t.Fatalf("plexauthd(8) has %d sessions, and this test knows 7", len(sessions))
	}
	variables, pairing, signals, account, imports, servers, home := sessions[0], sessions[1], sessions[2], sessions[3], sessions[4], sessions[5], sessions[6]
	b := newBox(t)
	b.Start()
	f := b.Frontend()
	shell := b.shell() + strings.ReplaceAll(variables, "$ ", "")
	b.transcript(shell, pairing)
	heard := b.gdbus(signals)
	pins := b.Sim.Pins()
	b.Claim(pins[len(pins)-1].Code, "")
	f.Await("AuthChanged")
	heard()
	b.transcript(shell, account)
	f.Await("AuthChanged")
	ada := b.Ada()
	b.SignInAs(f, ada)
	b.Write("retune_plex_auth.json", `{"version":1,"token":{"token":"`+ada+`"}}`)
	for _, session := range []string{imports, servers, home} {
		b.transcript(shell, session)
	}
}

// TestTranscripts does the same with what the README types, signed in as Ada.
func TestTranscripts(t *testing.T) {
	b := newBox(t)
	b.Start()
	b.SignInAs(b.Frontend(), b.Ada())
	for _, session := range blocks(t, "console") {
		b.transcript(b.shell(), session)
	}
}

// shell has the tools ask this box's bus instead of the system's.
func (b *box) shell() string {
	return fmt.Sprintf(`cd %[3]s
busctl() { command busctl --address=%[1]s "$@"; }
plexauthctl() { command %[2]s/plexauthctl --bus %[1]s "$@"; }
`, b.Bus.Address, programs, b.Dir)
}

// kind is what of an answer is the same each time: its type, and how many entries a
// dictionary has.
var kind = regexp.MustCompile(`^a\{\w+\} \d+|^\S+`)

func (b *box) transcript(shell, text string) {
	b.Helper()
	var id string // the pairing of this run in place of the one that is printed
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		want := ""
		if i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "$ ") {
			want = kind.FindString(lines[i+1])
		}
		command = regexp.MustCompile(` t \d+$`).ReplaceAllString(command, " t "+id)
		out, err := exec.Command("bash", "-c", shell+command).CombinedOutput()
		fields := append(strings.Fields(string(out)), "", "")
		if (err != nil) != (want == "Call") || kind.FindString(string(out)) != want { // "Call failed: …"
			b.Errorf("%s\nanswers %q (%v), not %s", command, out, err, want)
		}
		if want == "tsssx" {
			id = fields[1]
		}
	}
}

// gdbus runs the gdbus of a session. The function that it returns waits until it
// has printed the signals that the session shows, in their order.
func (b *box) gdbus(session string) (heard func()) {
	b.Helper()
	command, lines, _ := strings.Cut(session, "\n")
	command = strings.Replace(strings.TrimPrefix(command, "$ "), "--system", "--address="+b.Bus.Address, 1)
	ctx, cancel := context.WithTimeout(context.Background(), daemontest.Patience)
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+command)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cancel(); _ = cmd.Wait() })
	printed := bufio.NewScanner(out)
	next := func(want string) {
		b.Helper()
		for printed.Scan() {
			if strings.HasPrefix(printed.Text(), want) {
				return
			}
		}
		b.Errorf("%s did not print %q", command, want)
	}
	next("The name tv.retune.PlexAuth1 is owned by")
	return func() {
		b.Helper()
		for line := range strings.Lines(lines) {
			signal, _, _ := strings.Cut(line, " (")
			next(signal + " (")
		}
	}
}
