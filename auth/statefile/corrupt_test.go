// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// broken files, and what the error must say about them.
var broken = map[string]struct{ text, says string }{
	"torn":              {full[:strings.Index(full, "@")], "line 12: "},
	"NUL filled":        {strings.Repeat("\x00", len(full)), ": NUL bytes"},
	"NUL tail":          {full[:200] + strings.Repeat("\x00", 200), ": NUL bytes"},
	"not UTF-8":         {full + "# \xff" + token + "\n", ": not UTF-8"},
	"too long":          {full + "#" + strings.Repeat("x", 1<<20), "1048576"},
	"token unquoted":    {strings.Replace(full, `"`+token+`"`, token, 1), "line 9: "},
	"token unfinished":  {strings.Replace(full, token+`"`, token, 1), "line 9: "},
	"token as key":      {full + token + "\n", "line 59: "},
	"bad escape":        {strings.Replace(full, token, `\q`+token, 1), "line 9: "},
	"token twice":       {full + "\n[" + token + "]\n[" + token + "]\n", "line 61: "},
	"deep array":        {"x = " + strings.Repeat("[", 1<<20-4), "line 1: values nested"},
	"deep inline table": {"\n" + strings.Repeat("x={", 1<<18), "line 2: values nested"},
	"long key":          {strings.Repeat("a.", 1<<18) + "a = 1", "line 1: a key"},
	"long header":       {"[" + strings.Repeat("a.", 1<<18) + "a]", "line 1: a key"},
	"key not a table":   {`retune_device_key = "` + private + `"`, "retune_device_key is half-written"},
}

func TestACorruptFileIsSetAside(t *testing.T) {
	for name, c := range broken {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, c.text)
			state, err := b.Load()
			var corrupt *statefile.CorruptError
			if !errors.As(err, &corrupt) || state != (statefile.State{}) {
				t.Fatalf("Load() = %v, %v, want no state and a *CorruptError", state, err)
			}
			b.wantPlainText(err, c.says, b.path)
			b.wantFiles("state.toml.corrupt-20260115T120000Z")
			if kept, _ := os.ReadFile(corrupt.SetAside); string(kept) != c.text {
				t.Error("the file was not kept whole")
			}
			b.save(signedOut())
			b.wantFiles("state.toml", "state.toml.corrupt-20260115T120000Z")
			b.save(fullState())
			b.wantState(fullState())
		})
	}
}

func TestAnEmptyFileIsCorrupt(t *testing.T) {
	b := newBox(t, "")
	b.write("")
	var corrupt *statefile.CorruptError
	if _, err := b.Load(); !errors.As(err, &corrupt) {
		t.Fatalf("Load: %v, want a *CorruptError", err)
	}
}

func TestCorruptFilesAreNotOverwritten(t *testing.T) {
	b := newBox(t, "")
	for _, text := range []string{"one", "two", "three"} {
		b.write(text)
		_, _ = b.Load()
	}
	name := "state.toml.corrupt-20260115T120000Z"
	b.wantFiles(name, name+"-1", name+"-2")
	for i, want := range []string{"one", "two", "three"} {
		suffix := []string{"", "-1", "-2"}[i]
		if got, _ := os.ReadFile(filepath.Join(b.dir, name+suffix)); string(got) != want {
			t.Errorf("%s holds %q, want %q", name+suffix, got, want)
		}
	}
}

func TestAFileThatBecameCorruptIsKept(t *testing.T) {
	b := newBox(t, full)
	b.wantState(fullState())
	b.write("note to self: " + token)
	b.save(fullState())
	b.wantText(full)
	aside := b.path + ".corrupt-20260115T120000Z"
	if got := b.KeptAside(); got != aside {
		t.Errorf("KeptAside() = %q, want %q", got, aside)
	}
	b.wantFiles("state.toml", filepath.Base(aside))
}

func TestAFileThatBecameCorruptGoesWithItsAccount(t *testing.T) {
	for name, signIn := range map[string]func(b box){
		"loaded": func(b box) { b.write(full); b.wantState(fullState()) },
		"saved":  func(b box) { b.save(fullState()) },
	} {
		b := newBox(t, "")
		signIn(b)
		b.write("spoilt: " + token)
		b.save(signedOut())
		b.wantFiles("state.toml")
		b.wantState(signedOut())
		if got := b.KeptAside(); got != "" {
			t.Errorf("%s: KeptAside() = %q", name, got)
		}
	}
}

func TestACorruptFileIsNotLostWithAFailedSave(t *testing.T) {
	b := newBox(t, "spoilt")
	s := fullState()
	s.ClientID = "\xff"
	b.wantWriteError(s)
	b.wantText("spoilt")
	if got := b.KeptAside(); got != "" {
		t.Errorf("KeptAside() = %q", got)
	}
	b.wantFiles("state.toml")
}

// unusable puts something at path that is no file to work with, and has in
// its name what the error must say.
var unusable = map[string]func(path string) error{
	"not a regular file (mode d": func(path string) error { return os.Mkdir(path, 0o700) },
	"not a regular file (mode p": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	"symbolic link": func(path string) error {
		target := filepath.Join(filepath.Dir(path), "target")
		return errors.Join(os.WriteFile(target, []byte(full), 0o600), os.Symlink("target", path))
	},
	"symbolic link to nothing": func(path string) error { return os.Symlink("nowhere", path) },
}

func TestWhatIsNoFileIsLeftAlone(t *testing.T) {
	for name, put := range unusable {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "")
			if err := put(b.path); err != nil {
				t.Fatal(err)
			}
			b.wantAccessError(strings.TrimSuffix(name, " to nothing"))
			before, _ := os.Lstat(b.path)
			b.wantWriteError(fullState())
			if after, err := os.Lstat(b.path); err != nil || after.Mode() != before.Mode() {
				t.Errorf("it was %v and is %v now (%v)", before.Mode(), after.Mode(), err)
			}
			if err := os.Remove(b.path); err != nil {
				t.Fatal(err)
			}
			b.wantWriteError(fullState())
			b.wantState(statefile.State{})
			b.save(fullState())
		})
	}
}

func (b box) wantAccessError(says string) {
	b.Helper()
	var access *statefile.AccessError
	_, err := b.Load()
	if !errors.As(err, &access) || access.Path != b.path {
		b.Fatalf("Load: %v, want an *AccessError with the path", err)
	}
	b.wantPlainText(err, b.path, says)
}

func TestTheParentIsAFile(t *testing.T) {
	b := newBox(t, full)
	parent := b.path
	b.path = filepath.Join(parent, "state.toml")
	b.File = statefile.Open(b.path, clockwork.NewFakeClock())
	b.wantState(statefile.State{})
	b.wantWriteError(fullState())
	if err := os.Remove(parent); err != nil {
		t.Fatal(err)
	}
	b.save(fullState())
	b.wantState(fullState())
}

func TestTheDirectoryMayBeALink(t *testing.T) {
	b := newBox(t, full)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(b.dir, link); err != nil {
		t.Fatal(err)
	}
	linked := b
	linked.File = statefile.Open(filepath.Join(link, "state.toml"), clockwork.NewFakeClock())
	linked.wantState(fullState())
	linked.save(signedOut())
	if bytes.Contains([]byte(b.text()), []byte(token)) {
		t.Error("saved somewhere else")
	}
}
