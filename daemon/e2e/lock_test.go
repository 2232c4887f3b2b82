// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestASecondDaemonOnTheSameStateEndsWithOneLine(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	first := b.start()
	f := b.frontend()
	token := b.signIn(f)

	second := newBoxOn(t, bustest.Session(t))
	second.state = b.state
	p := second.launch()
	if status := p.wait(); status != 1 {
		t.Errorf("the second ended with status %d", status)
	}
	said := strings.Split(strings.TrimSuffix(second.output.String(), "\n"), "\n")
	if len(said) != 1 || !strings.Contains(said[0], "another plexauthd uses it") || !strings.Contains(said[0], b.state) {
		t.Errorf("the second says %q, not one line", said)
	}
	var held string
	if err := f.call("Credentials.GetToken").Store(&held); err != nil || held != token {
		t.Errorf("the first gives another token (%v)", err)
	}

	first.kill()
	second.start()
	if err := second.frontend().call("Credentials.GetToken").Store(&held); err != nil || held != token {
		t.Errorf("the second gives another token once the first has ended (%v)", err)
	}
}

func TestAStateThatCannotBeLockedIsUsedAndSaid(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	args := []string{"-D", "-f", "-o", filepath.Join(b.dir, "trace"), "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK",
		b.program, "--bus", b.bus.Address, "--state", b.state, "--plex-url", b.plex.URL}
	b.exec(exec.Command("strace", args...))
	b.awaitNote("READY=1")
	b.signIn(b.frontend())
	if said := b.output.String(); strings.Count(said, "nothing keeps another plexauthd from the same state file") != 1 {
		t.Errorf("it says:\n%s", said)
	}
}
