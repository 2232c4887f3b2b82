// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// offers checks what Tab offers after those words.
func (p *person) offers(want string, words ...string) {
	p.t.Helper()
	status, out, _ := p.run(append([]string{"__complete"}, words...)...)
	if status != exitDone || out != want+":4\n" { // 4: and no files
		p.t.Errorf("%q: exit status %d: %q, not %q", words, status, out, want)
	}
}

func TestCompletion(t *testing.T) {
	p := newPerson(t)
	bus := p.Bus.Address
	p.offers("", "--bus", bus, "switch", "")
	p.SignIn()
	p.AddHomeUser("Kim", "")
	p.AddHomeUser("Bob", "4711")
	p.offers("alice\tadmin\nKim\tmanaged\nBob\tmanaged, PIN\n", "--bus", bus, "switch", "")
	p.offers("", "--bus", bus, "switch", "Kim", "")
	p.offers(clienttest.MachineID+"\tLiving Room\n", "--bus", bus, "headers", "--server", "")
	p.offers("", "status", "")
	p.offers("", "doctor", "")
	p.offers("system\nsession\n", "--bus", "")
	p.offers("host\ntpm2\nhost+tpm2\n", "seal", "--with-key", "")
	p.offers("", "seal", "--pcrs", "")
	p.offers("auto\nalways\nnever\n", "login", "--qr", "")
	p.Plex.Fail(plextvsim.Fault{Reset: true})
	p.offers("", "--bus", bus, "switch", "")
	p.Bus.Stop()
	p.offers("", "--bus", bus, "switch", "")
}

// TestCompletionInShells has each shell itself complete "plexauthctl do". zsh only
// does so at a terminal; without one it shows that it knows how.
func TestCompletionInShells(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "plexauthctl")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shell        []string
		script, says string
	}{
		{[]string{"bash", "-c"}, `
			source /usr/share/bash-completion/bash_completion
			source <(plexauthctl completion bash)
			COMP_WORDS=(plexauthctl do) COMP_CWORD=1 COMP_LINE="plexauthctl do" COMP_POINT=14 COMP_TYPE=9
			__start_plexauthctl
			printf '%s\n' "${COMPREPLY[@]}"`, "doctor"},
		{[]string{"fish", "--no-config", "-c"}, `
			plexauthctl completion fish | source
			complete -C "plexauthctl do" | cut -f 1`, "doctor"},
		{[]string{"zsh", "-f", "-c"}, `
			autoload -U compinit && compinit -u -D
			source <(plexauthctl completion zsh)
			whence -w $_comps[plexauthctl]`, "_plexauthctl: function"},
	} {
		cmd := exec.Command(c.shell[0], append(c.shell[1:], c.script)...)
		cmd.Env = append(os.Environ(), asProgram+"=1", "HOME="+dir, "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if err != nil || strings.TrimSpace(string(out)) != c.says {
			t.Errorf("%s: %v: %q", c.shell[0], err, out)
		}
	}
}
