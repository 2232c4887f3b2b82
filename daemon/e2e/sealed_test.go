// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// passKey gives processes from now on the credential with the key of the state,
// as the service manager does.
func (b *box) passKey(key string) {
	b.t.Helper()
	dir := filepath.Join(b.dir, "credentials")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "plexauthd.key"), []byte(key), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Setenv("CREDENTIALS_DIRECTORY", dir)
}

func (b *box) stop(p *process) {
	b.t.Helper()
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		b.t.Fatalf("exit status %d", status)
	}
}

func (b *box) stateText() string {
	b.t.Helper()
	text, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// mustBeSealed looks in all files next to the state for what must not be there.
func (b *box) mustBeSealed(token string) {
	b.t.Helper()
	if !strings.Contains(b.stateText(), `token = "sealed:v1:`) || !strings.Contains(b.stateText(), "\nusername = \"") {
		b.t.Errorf("not only the token is sealed in\n%s", b.stateText())
	}
	out, err := exec.Command("grep", "-rFe", token, filepath.Dir(b.state)).CombinedOutput()
	if len(out) > 0 || err == nil {
		b.t.Errorf("the token is on the disk: %s", out)
	}
}

func (f *frontend) holds(token string) {
	f.t.Helper()
	var held string
	if err := f.call("Credentials.GetToken").Store(&held); err != nil || held != token {
		f.t.Errorf("the token is another one (%v)", err)
	}
}

func TestASealedBoxStaysSignedIn(t *testing.T) {
	b := newBox(t)
	b.passKey(strings.Repeat("k", 32))
	p := b.start()
	f := b.frontend()
	token := b.signIn(f)
	b.mustBeSealed(token)
	f.requestPin()
	if !strings.Contains(b.stateText(), `plex_id = "sealed:v1:`) {
		t.Errorf("the PIN's id is not sealed in\n%s", b.stateText())
	}
	b.stop(p)
	b.start()
	f.holds(token)
	b.mustBeSealed(token)
}

// A power cut must not leave a sealed state and no key: what systemd-creds wrote a
// moment ago may be in memory only.
func TestTheKeysFileSystemIsSyncedBeforeTheFirstSeal(t *testing.T) {
	b := newBox(t)
	b.passKey(strings.Repeat("k", 32))
	stop := b.start().trace("syncfs,write")
	f := b.frontend()
	b.signIn(f)
	f.requestPin()
	calls := stop()
	before, _, sealed := strings.Cut(calls, `= \"sealed:v1:`)
	if !sealed || !strings.Contains(before, "</etc>") || !strings.Contains(before, "</var/lib/systemd>") {
		t.Errorf("the file systems of the key are not synced before the state is sealed:\n%s", calls)
	}
	if n := strings.Count(calls, "syncfs("); n != 2 {
		t.Errorf("%d syncs for two secrets:\n%s", n, calls)
	}
}

// trace notes what the process asks the kernel for, until stop.
func (p *process) trace(calls string) (stop func() string) {
	t := p.box.t
	t.Helper()
	out := filepath.Join(p.box.dir, "strace")
	cmd := exec.Command("strace", "-f", "-y", "-s", "4096", "-o", out, "-e", "signal=none", "-e", "trace="+calls, "-p", strconv.Itoa(p.cmd.Process.Pid))
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("starting strace, from Debian's package of that name: %v", err)
	}
	if line, _ := bufio.NewReader(said).ReadString('\n'); !strings.Contains(line, "attached") {
		t.Fatalf("strace says %q", line)
	}
	return func() string {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was killed
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestAKeyThatComesLaterSealsAtOnce(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	token := b.signIn(f)
	b.stop(p)
	b.passKey(strings.Repeat("4b", 32) + "\n")
	b.start()
	b.mustBeSealed(token)
	f.holds(token)
}

func TestASealedStateWithoutItsKeyIsLeftAlone(t *testing.T) {
	b := newBox(t)
	right, wrong := strings.Repeat("k", 32), strings.Repeat("w", 32)
	b.passKey(right)
	p := b.start()
	f := b.frontend()
	token := b.signIn(f)
	b.stop(p)
	sealed := b.stateText()
	for name, pass := range map[string]func(){
		"wrong": func() { b.passKey(wrong) },
		"none":  func() { t.Setenv("CREDENTIALS_DIRECTORY", "") },
	} {
		pass()
		p := b.launch()
		if note := b.awaitNote("READY=1"); !strings.Contains(note, "is sealed and cannot be opened") {
			t.Errorf("%s: the status does not say what is wrong: %s", name, note)
		}
		if state := f.property("State"); state != "signed-out" {
			t.Errorf("%s: State = %v", name, state)
		}
		f.mustFail("StorageFailed", "RequestPin")
		b.stop(p)
		if b.stateText() != sealed {
			t.Errorf("%s: the file was written to:\n%s", name, b.stateText())
		}
	}
	b.passKey(right)
	b.start()
	f.holds(token)
}

func TestACredentialThatIsNoKeyIsStatus2(t *testing.T) {
	for key, says := range map[string]string{
		"":                      "is empty",
		strings.Repeat("k", 31): "31 bytes that are no key: a key is 32 bytes",
		strings.Repeat("x", 64): "64 bytes that are no key",
	} {
		b := newBox(t)
		b.passKey(key)
		if status := b.launch().wait(); status != 2 {
			t.Errorf("exit status %d, not 2", status)
		}
		text := b.output.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "credential plexauthd.key: ") || !strings.Contains(text, says) {
			t.Errorf("standard error is not one line with %q:\n%s", says, text)
		}
		if _, err := os.Stat(b.state); err == nil {
			t.Error("a state was written")
		}
	}
}
