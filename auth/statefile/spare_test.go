// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const spareName = ".state.toml0"

func (b box) spare() string { return filepath.Join(b.dir, spareName) }

func (b box) wantSpare(want bool) {
	b.Helper()
	if _, err := os.Lstat(b.spare()); errors.Is(err, os.ErrNotExist) == want {
		b.Errorf("looking for a spare file: %v, want it there: %t", err, want)
	}
}

// titled is a state with nothing secret about its title.
func titled(title string) statefile.State {
	s := fullState()
	s.Auth.Title = title
	return s
}

// withSpare has b save until there is a spare.
func (b box) withSpare() box {
	b.Helper()
	b.OnExt4()
	b.save(titled("one"))
	b.save(titled("two"))
	b.wantSpare(true)
	return b
}

// saving returns the calls of a save that decide what a power cut leaves.
func (b box) saving(s statefile.State, inject ...string) (calls []string, err error) {
	for _, call := range straced(b, func() { err = b.Save(s) }, inject...) {
		if subjects := b.subjects(call); subjects != "" && steps.MatchString(call.name) {
			calls = append(calls, call.name+" "+subjects)
		}
	}
	return calls, err
}

var (
	writtenOver = []string{"write temporary", "fdatasync temporary", "renameat2 temporary state.toml", "fsync box"}
	replaced    = []string{"linkat state.toml temporary", "write temporary", "fsync temporary", "renameat temporary state.toml", "fsync box"}
)

func (b box) wantSaving(s statefile.State, want []string) {
	b.Helper()
	if calls, err := b.saving(s); err != nil || !slices.Equal(calls, want) {
		b.Errorf("the calls are\n%s\nand the error is %v, want\n%s", strings.Join(calls, "\n"), err, strings.Join(want, "\n"))
	}
}

func TestASaveWritesOverWhatTheLastOneReplaced(t *testing.T) {
	b := scenes["first"].box(t).withSpare()
	b.wantSaving(titled("new"), writtenOver)
	b.wantSaving(titled("longer than that"), []string{
		"write temporary", "ftruncate temporary", "fdatasync temporary", "renameat2 temporary state.toml", "fsync box"})
	b.wantSpare(true)
	b.wantState(titled("longer than that"))
	b.wantSpare(false) // after Load
}

func TestTheSpareHoldsNoSecretThatTheStateDoesNotHold(t *testing.T) {
	for name, change := range map[string]func(s *statefile.State){
		"another token":  func(s *statefile.State) { s.Auth.Token = secret.New("another") },
		"nobody":         func(s *statefile.State) { *s = signedOut() },
		"no pairing":     func(s *statefile.State) { s.Pairing = nil },
		"no device key":  func(s *statefile.State) { s.DeviceKey = nil },
		"another's code": func(s *statefile.State) { s.Pairing.PlexID = secret.New("7654321") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, open := range []func(testing.TB, string) box{newBox, newSealedBox} {
				for _, b := range []box{open(t, "").withSpare(), open(t, fullText(t, open))} {
					b.OnExt4()
					s := titled("two")
					change(&s)
					b.save(s)
					b.wantSpare(false)
					b.wantState(s)
				}
			}
		})
	}
}

// TestWhatCannotBeReadIsNoSpare: nobody knows what it holds.
func TestWhatCannotBeReadIsNoSpare(t *testing.T) {
	unclaimed := fullState()
	unclaimed.Pairing.Token = secret.String{}
	for name, c := range map[string]struct {
		file string
		save statefile.State
	}{
		"a corrupt file":   {strings.Replace(full, "]", "", 1), signedOut()},
		"a list of tokens": {strings.Replace(full, `"claimed-Qx77"`, `["claimed-Qx77"]`, 1), unclaimed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, full).withSpare()
			b.write(c.file)
			b.save(c.save)
			b.wantSpare(false)
		})
	}
}

func TestAFileWithAnotherModeIsNoSpare(t *testing.T) {
	b := newBox(t, "").withSpare()
	if err := os.Chmod(b.path, 0o700); err != nil {
		t.Fatal(err)
	}
	b.save(titled("three"))
	b.wantSpare(false)
	b.save(titled("four"))
	b.wantMode(b.path, 0o600)
	b.wantSpare(true)
}

// fullText is the file of titled("two").
func fullText(t *testing.T, open func(testing.TB, string) box) string {
	b := open(t, "")
	b.save(titled("two"))
	return b.text()
}

func TestAFileThatSomebodyReadsIsNotWrittenOver(t *testing.T) {
	b := newBox(t, "").withSpare()
	want := b.text()
	file, err := os.Open(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b.save(titled("three"))
	b.save(titled("four"))
	if got, err := io.ReadAll(file); err != nil || string(got) != want {
		t.Errorf("read %v\n%s\nwant\n%s", err, got, want)
	}
	b.wantState(titled("four"))
}

func TestAFileWithAnotherNameIsNotWrittenOver(t *testing.T) {
	b := newBox(t, "").withSpare()
	want, backup := b.text(), b.path+".backup"
	if err := os.Link(b.path, backup); err != nil {
		t.Fatal(err)
	}
	b.save(titled("three"))
	b.save(titled("four"))
	if got, err := os.ReadFile(backup); err != nil || string(got) != want {
		t.Errorf("the backup is %v\n%s\nwant\n%s", err, got, want)
	}
	b.wantState(titled("four"))
}

func TestOnlyTheSpareItLeftIsWrittenOver(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for name, put := range map[string]func(path string) error{
		"nothing":         func(string) error { return nil },
		"a symbolic link": func(path string) error { return os.Symlink(elsewhere, path) },
		"a hard link":     func(path string) error { return os.Link(elsewhere, path) },
		"a file":          func(path string) error { return os.WriteFile(path, []byte("precious"), 0o644) },
		"a FIFO":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a directory":     func(path string) error { return os.MkdirAll(filepath.Join(path, "full"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBox(t, "").withSpare()
			if err := errors.Join(os.Remove(b.spare()), put(b.spare())); err != nil {
				t.Fatal(err)
			}
			b.save(titled("three"))
			b.wantMode(b.path, 0o600)
			b.save(titled("four"))
			b.wantState(titled("four"))
			if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
				t.Errorf("elsewhere: %q, %v", text, err)
			}
		})
	}
}

// TestWhatTheDiskDoesNotConfirm: the disk may still have the old file under the
// name of the state, so that is not written over.
func TestWhatTheDiskDoesNotConfirm(t *testing.T) {
	b := scenes["first"].box(t).withSpare()
	calls, err := b.saving(titled("six"), "fsync:error=EIO:when=1")
	if !errors.Is(err, syscall.EIO) || !slices.Equal(calls[:len(writtenOver)], writtenOver) {
		t.Fatalf("%v after\n%s", err, strings.Join(calls, "\n"))
	}
	b.wantSaving(titled("six"), replaced)
	b.wantSaving(titled("ten"), writtenOver)
	b.wantState(titled("ten"))
}

func TestNamesThatCannotBeExchanged(t *testing.T) {
	b := scenes["first"].box(t).withSpare()
	if _, err := b.saving(titled("six"), "renameat2:error=EINVAL:when=1"); err != nil {
		t.Fatal(err)
	}
	b.wantSpare(false)
	b.wantSaving(titled("ten"), replaced[1:]) // no link for the next
	b.wantState(titled("ten"))
}

// TestTheEndDoesNotWaitForASave: the disk may be stuck.
func TestTheEndDoesNotWaitForASave(t *testing.T) {
	b := newBox(t, "")
	release, err := b.Lock()
	if err != nil {
		t.Fatal(err)
	}
	begun, let, saved := make(chan struct{}), make(chan struct{}), make(chan error)
	b.WaitInSave(func() { close(begun); <-let })
	go func() { saved <- b.Save(fullState()) }()
	<-begun
	release()
	close(let)
	if err := <-saved; err != nil {
		t.Error(err)
	}
}

func TestNoSpareIsLeftAtTheEnd(t *testing.T) {
	b := newBox(t, "")
	release, err := b.Lock()
	if err != nil {
		t.Fatal(err)
	}
	b.withSpare()
	release()
	b.wantSpare(false)
}
