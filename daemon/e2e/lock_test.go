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
	first := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)

	second := newBoxOn(t, bustest.Session(t))
	second.State, second.Plex = b.State, b.Plex // at another plex.tv nobody would be signed in
	p := second.Launch()
	if status := p.Wait(); status != 1 {
		t.Errorf("the second ended with status %d", status)
	}
	said := strings.Split(strings.TrimSuffix(second.Printed.String(), "\n"), "\n")
	if len(said) != 1 || !strings.Contains(said[0], "another plexauthd uses it") || !strings.Contains(said[0], b.State) {
		t.Errorf("the second says %q, not one line", said)
	}
	f.MustHold(token)

	first.End()
	second.Start()
	second.Frontend().MustHold(token)
}

func TestAStateThatCannotBeLockedIsUsedAndSaid(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	args := []string{"-D", "-f", "-o", filepath.Join(b.Dir, "trace"), "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK",
		b.Program, "--bus", b.Bus.Address, "--state", b.State, "--plex-url", b.Plex.URL}
	b.Exec(exec.Command("strace", args...))
	b.AwaitNote("READY=1")
	b.SignIn(b.Frontend())
	if said := b.Printed.String(); strings.Count(said, "nothing keeps another plexauthd from the same state file") != 1 {
		t.Errorf("it says:\n%s", said)
	}
}
