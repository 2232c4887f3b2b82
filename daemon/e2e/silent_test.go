// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// ctl runs plexauthctl to its end.
func (b *box) ctl(line, stdin string) (status int, output string) {
	ctx, cancel := context.WithTimeout(b.Context(), daemontest.Patience)
	defer cancel()
	args := append([]string{"--bus", b.Bus.Address}, strings.Fields(line)...)
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "plexauthctl"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return -1, "it did not end by itself: " + string(out)
	}
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestAStoppedDaemon stops the process where it is: everybody gives up in time and
// says why, and callers that still wait are answered when the daemon continues.
func TestAStoppedDaemon(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	p.Signal(syscall.SIGSTOP)

	commands := []string{"status", "login", "import", "logout", "validate", "headers", "users", "switch bob", "servers"}
	said := make(chan string, len(commands))
	for _, command := range commands {
		go func() {
			status, output := b.ctl(command, token)
			if status != 1 || !strings.Contains(output, "no answer in time, see systemctl status plexauthd dbus") {
				t.Errorf("plexauthctl %s: exit status %d: %s", command, status, output)
			}
			said <- command
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.Watch(t.Context()).Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the Go client gives up with %v", err)
	}
	const calls = 100
	waiting := b.flooder()
	for _, member := range []string{names.Credentials + ".GetToken", names.Main + ".Validate", names.Main + ".RequestPin"} {
		waiting.flood(b.request(names.Bus, member, 0), calls)
	}
	for range commands {
		<-said
	}
	p.Signal(syscall.SIGCONT)
	if answers := waiting.answers(3 * calls); answers[""]+answers[limitsExceeded] != 3*calls || answers[""] < calls {
		t.Errorf("the answers after the stop: %v", answers)
	}
	if f.Token() != token {
		t.Error("a logout that gave up has signed out all the same")
	}
	f.MustBeValid()
}
