// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestAKeyIsMadeOnce(t *testing.T) {
	b := newBox(t)
	want := Result{Credential: b.Credential, WithKey: Host, Made: true, DropIn: b.DropIn}
	if r := b.make(); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	key := b.opened()
	if len(key) != 32 {
		t.Errorf("the key has %d bytes", len(key))
	}
	for path, mode := range map[string]os.FileMode{b.Credential: 0o600, filepath.Dir(b.Credential): 0o700, b.DropIn: 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v, %v, want mode %o", info, err, mode)
		}
	}
	if text := b.read(b.DropIn); !strings.HasSuffix(text, "\n[Service]\nLoadCredentialEncrypted=plexauthd.key:"+b.Credential+"\n") {
		t.Errorf("the drop-in is %q", text)
	}
	before := b.files()
	want.Made, want.DropIn = false, ""
	if r := b.make(); r != want || b.files() != before {
		t.Errorf("the second time: %+v, %s", r, b.files())
	}
	other := newBox(t)
	other.make()
	if other.opened() == key {
		t.Error("two boxes have the same key")
	}
}

func TestTheExampleIsWhatIsWritten(t *testing.T) {
	o := Default()
	example, err := os.ReadFile("../../../packaging/systemd/examples/sealed.conf")
	if err != nil || !strings.HasSuffix(string(example), "\n[Service]\n"+o.line()+"\n") {
		t.Errorf("%v: the example does not have %q", err, o.line())
	}
}

// A run that was killed may have left a key that is not synced yet: the next boot has
// to run it again although the key is there.
func TestTheExampleUnitRunsAtEachBoot(t *testing.T) {
	unit, err := os.ReadFile("../../../packaging/systemd/examples/plexauthd-seal.service")
	if err != nil || !strings.Contains(string(unit), "\nExecStart=/usr/bin/plexauthctl seal\n") || strings.Contains(string(unit), "\nCondition") {
		t.Errorf("%v: the unit is\n%s", err, unit)
	}
}

func TestAKeyThatIsThereStays(t *testing.T) {
	machineID := func(b *box) { b.machineID = b.path("machine-id"); b.write(b.machineID, strings.Repeat("ab", 16)+"\n") }
	for name, c := range map[string]struct {
		wreck func(b *box)
		says  []string
	}{
		"empty":              {func(b *box) { b.write(b.Credential, "") }, []string{"stays as it is", "systemd-creds decrypt", "remove "}},
		"garbage":            {func(b *box) { b.write(b.Credential, "hello\n") }, []string{"systemd-creds decrypt"}},
		"no host key":        {func(b *box) { _ = os.Remove(b.hostKey) }, []string{"systemd-creds decrypt"}},
		"another machine-id": {machineID, []string{"under another machine-id", "put the old machine-id back"}},
		"no machine-id":      {func(b *box) { machineID(b); b.write(b.machineID, "uninitialized\n") }, []string{"has no machine-id"}},
		"no key": {func(b *box) {
			_ = os.Remove(b.Credential)
			encrypt := exec.Command("systemd-creds", "encrypt", "--with-key=host", "--name=plexauthd.key", "-", b.Credential)
			encrypt.Stdin = strings.NewReader("too short")
			if out, err := encrypt.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}, []string{"9 bytes are not a key"}},
		"in memory":            {func(b *box) { b.inMemory = inMemoryAt(b.Credential) }, []string{"is kept in memory"}},
		"host key in memory":   {func(b *box) { b.inMemory = inMemoryAt(b.hostKey) }, []string{"is kept in memory"}},
		"machine-id in memory": {func(b *box) { b.inMemory = inMemoryAt("/etc/machine-id") }, []string{"is kept in memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.make()
			c.wreck(b)
			b.refuses(append(c.says, b.Credential, "sign in again")...)
			b.write(b.State, "token = \"sealed:v1:AAAA\"\n")
			b.refuses(b.State)
		})
	}
}

func inMemoryAt(lost string) func(string) (string, error) {
	return func(path string) (string, error) {
		if path == lost {
			return "overlay on tmpfs", nil
		}
		return "", nil
	}
}

// Without its drop-in the next boot would not pass the key to the service.
func TestNoDropInIsWrittenThatWouldNotLast(t *testing.T) {
	b := newBox(t)
	b.inMemory = inMemoryAt(b.DropIn)
	b.refuses(b.DropIn+" would be kept in memory (overlay on tmpfs)", b.line())
	if _, err := os.Stat(filepath.Dir(b.Credential)); err == nil {
		t.Error("something was made before that")
	}
	b.showUnit(unit + b.line() + "\n") // an image has it
	b.make()
}

// Where nobody can tell whether a file lasts, the key is made, and that is said.
func TestWhatLastsCannotBeTold(t *testing.T) {
	b := newBox(t)
	b.inMemory = func(string) (string, error) { return "", errors.New("the overlay cannot be seen") }
	noted := ""
	b.Note = func(text string) { noted += text + "\n" }
	b.make()
	for _, path := range []string{b.Credential, b.hostKey, b.machineID, b.DropIn} {
		if !strings.Contains(noted, path+" is still there after the next boot cannot be told: the overlay cannot be seen\n") {
			t.Errorf("nothing of %s in %s", path, noted)
		}
	}
	b.Note = nil
	b.make()
}

func TestNoKeyIsMadeThatWouldNotLast(t *testing.T) {
	b := newBox(t)
	b.make()
	if err := os.Remove(b.Credential); err != nil {
		t.Fatal(err)
	}
	b.machineID = b.path("machine-id")
	b.write(b.machineID, strings.Repeat("ab", 16)+"\n")
	b.refuses("under another machine-id")

	b = newBox(t)
	b.make() // for the directory
	_ = os.Remove(b.Credential)
	b.inMemory = inMemoryAt(b.Credential)
	b.refuses("is kept in memory")
}

func TestASealedStateKeepsItsKey(t *testing.T) {
	b := newBox(t)
	b.make() // for the directory
	_ = os.Remove(b.Credential)
	b.write(b.State, "token = \"sealed:v1:AAAA\"\n")
	b.refuses(b.State+" is sealed already", "sign in again")
	b.write(b.State, "token = \"plain\"\n")
	b.make()
}

func TestUnit(t *testing.T) {
	ours := "LoadCredentialEncrypted=plexauthd.key:"
	for name, c := range map[string]struct {
		unit string
		says string // "": no error
		made bool   // the drop-in
	}{
		"nothing":         {unit, "", true},
		"other names":     {unit + "LoadCredential=wifi:/etc/wifi\nSetCredential=plexauthd.key.old:x\n", "", true},
		"a comment":       {unit + "#LoadCredential=plexauthd.key:/root/key\n", "", true},
		"ours":            {unit + ours + "CREDENTIAL\n", "", false},
		"ours, with room": {unit + " LoadCredentialEncrypted = plexauthd.key:CREDENTIAL \n", "", false},
		"another file":    {unit + ours + "/root/key\n", "passes another key already", false},
		"a plain key":     {unit + "LoadCredential=plexauthd.key:/root/key\n", "LoadCredential=plexauthd.key:/root/key", false},
		"plain and ours":  {unit + ours + "CREDENTIAL\nSetCredential=plexauthd.key:xyz\n", "passes another key already", false},
		"a pattern":       {unit + "ImportCredential=plexauthd.*\n", "passes another key already", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.showUnit(strings.ReplaceAll(c.unit, "CREDENTIAL", b.Credential))
			if c.says != "" {
				b.refuses(c.says)
				return
			}
			if r := b.make(); (r.DropIn != "") != c.made {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestUnitThatCannotBeTold(t *testing.T) {
	b := newBox(t)
	b.write(b.path("bin/systemctl"), "#!/bin/sh\necho No files found for plexauthd.service. >&2\nexit 1\n")
	b.refuses("No files found for plexauthd.service")

	b = newBox(t)
	b.write(b.DropIn, "[Service]\n")
	b.refuses(b.DropIn, "does not pass the key", b.line())

	b = newBox(t)
	b.booted = b.path("none")
	b.refuses("systemd does not run here")
	for _, credential := range []string{"plexauthd.key", "/etc/my keys/key", "/etc/%n", "/etc/a:b"} {
		b = newBox(t)
		b.Credential = credential
		b.refuses("absolute path")
	}
}

func TestWithoutSystemdCreds(t *testing.T) {
	b := newBox(t)
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	b.write(b.path("bin/systemctl"), "#!/bin/sh\nexec "+cat+" '"+b.path("unit")+"'\n")
	t.Setenv("PATH", b.path("bin"))
	_, err = b.Make(b.bounded())
	if err == nil || !strings.Contains(err.Error(), "part of systemd 250") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(b.DropIn); err == nil {
		t.Error("there is a drop-in without a key")
	}
}

func TestBindings(t *testing.T) {
	b := newBox(t)
	b.make()
	if got := bindingOf([]byte(b.read(b.Credential))); got != Host {
		t.Errorf("%q", got)
	}
	for _, text := range []string{"", "hello", "AAAAAAAAAAAAAAAAAAAAAAAA"} {
		if got := bindingOf([]byte(text)); got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := []bool{Host.usesTPM(), Host.usesHost(), TPM.usesTPM(), TPM.usesHost(), HostAndTPM.usesTPM(), HostAndTPM.usesHost(), Binding("").usesHost()}; !reflect.DeepEqual(got, []bool{false, true, true, false, true, true, true}) {
		t.Errorf("%v", got)
	}
}
