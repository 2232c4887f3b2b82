// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// passKey gives processes from now on the credential with the key of the state,
// as the service manager does.
func (b *box) passKey(key string) {
	b.Helper()
	dir := filepath.Join(b.Dir, "credentials")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "plexauthd.key"), []byte(key), 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("CREDENTIALS_DIRECTORY", dir)
}

// mustBeSealed looks in all files next to the state for what must not be there.
func (b *box) mustBeSealed(token string) {
	b.Helper()
	if !strings.Contains(daemontest.Read(b, b.State), `token = "sealed:v1:`) || !strings.Contains(daemontest.Read(b, b.State), "\nusername = \"") {
		b.Errorf("not only the token is sealed in\n%s", daemontest.Read(b, b.State))
	}
	out, err := exec.Command("grep", "-rFe", token, filepath.Dir(b.State)).CombinedOutput()
	if len(out) > 0 || err == nil {
		b.Errorf("the token is on the disk: %s", out)
	}
}

func TestASealedBoxStaysSignedIn(t *testing.T) {
	b := newBox(t)
	b.passKey(strings.Repeat("k", 32))
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	b.mustBeSealed(token)
	f.RequestPin()
	if !strings.Contains(daemontest.Read(b, b.State), `plex_id = "sealed:v1:`) {
		t.Errorf("the PIN's id is not sealed in\n%s", daemontest.Read(b, b.State))
	}
	p.Stop()
	b.Start()
	f.MustHold(token)
	b.mustBeSealed(token)
}

// A power cut must not leave a sealed state and no key: what systemd-creds wrote a
// moment ago may be in memory only.
func TestTheKeysFileSystemIsSyncedBeforeTheFirstSeal(t *testing.T) {
	b := newBox(t)
	b.passKey(strings.Repeat("k", 32))
	stop := trace(b.Start(), "syncfs,write")
	f := b.Frontend()
	b.SignIn(f)
	f.RequestPin()
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
func trace(p *daemontest.Process, calls string) (stop func() string) {
	t := p.Box.TB
	t.Helper()
	out := filepath.Join(p.Box.Dir, "strace")
	strace := daemontest.Run(t, exec.Command("strace", "-f", "-y", "-s", "4096", "-o", out, "-e", "signal=none", "-e", "trace="+calls, "-p", strconv.Itoa(p.Pid)))
	strace.AwaitText("attached")
	return func() string {
		strace.Stop()
		return daemontest.Read(t, out)
	}
}

func TestAKeyThatComesLaterSealsAtOnce(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	p.Stop()
	b.passKey(strings.Repeat("4b", 32) + "\n")
	b.Start()
	b.mustBeSealed(token)
	f.MustHold(token)
}

func TestASealedStateWithoutItsKeyIsLeftAlone(t *testing.T) {
	b := newBox(t)
	right, wrong := strings.Repeat("k", 32), strings.Repeat("w", 32)
	b.passKey(right)
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	p.Stop()
	sealed := daemontest.Read(b, b.State)
	for name, pass := range map[string]func(){
		"wrong": func() { b.passKey(wrong) },
		"none":  func() { t.Setenv("CREDENTIALS_DIRECTORY", "") },
	} {
		pass()
		p := b.Launch()
		if note := b.AwaitNote("READY=1"); !strings.Contains(note, "is sealed and cannot be opened") {
			t.Errorf("%s: the status does not say what is wrong: %s", name, note)
		}
		if state := f.Property("State"); state != "signed-out" {
			t.Errorf("%s: State = %v", name, state)
		}
		f.MustFail("StorageFailed", "RequestPin")
		p.Stop()
		if daemontest.Read(b, b.State) != sealed {
			t.Errorf("%s: the file was written to:\n%s", name, daemontest.Read(b, b.State))
		}
	}
	b.passKey(right)
	b.Start()
	f.MustHold(token)
}

func TestACredentialThatIsNoKeyIsStatus2(t *testing.T) {
	for key, says := range map[string]string{
		"":                      "is empty",
		strings.Repeat("k", 31): "31 bytes are not a key: a key is 32 bytes",
		strings.Repeat("x", 64): "64 bytes are not a key",
	} {
		b := newBox(t)
		b.passKey(key)
		if status := b.Launch().Wait(); status != 2 {
			t.Errorf("exit status %d, not 2", status)
		}
		text := b.Printed.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "credential plexauthd.key: ") || !strings.Contains(text, says) {
			t.Errorf("standard error is not one line with %q:\n%s", says, text)
		}
		if _, err := os.Stat(b.State); err == nil {
			t.Error("a state was written")
		}
	}
}
