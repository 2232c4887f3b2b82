// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// lastRelease is full as versions left it that kept the media servers in it.
var lastRelease = strings.Replace(full, "[plexauthd_home_pin]", `[plexauthd_servers]
list = "[{\"accessToken\":\"srv-Hy20pL\"}]"
own_token = "own-Wd64eN"
fetched_at = 2026-01-15T12:10:00Z

[plexauthd_home_pin]`, 1)

// served is fullState with that list of media servers.
func served(list string) statefile.State {
	s := fullState()
	s.Servers = &statefile.Servers{List: secret.New(list), OwnToken: secret.New("own-Wd64eN")}
	return s
}

// someServers is served with the list in lastRelease.
func someServers() statefile.State { return served(`[{"accessToken":"srv-Hy20pL"}]`) }

func (b box) serversPath() string { return filepath.Join(b.dir, statefile.ServersName) }

func (b box) serversText() string {
	b.Helper()
	data, err := os.ReadFile(b.serversPath())
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

func (b box) writeServers(text string) {
	b.Helper()
	if err := os.WriteFile(b.serversPath(), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// reports counts what is reported of the media servers.
func (b box) reports() *[]error {
	var reported []error
	b.ReportServers(func(err error) {
		b.wantPlainText(err, b.serversPath())
		reported = append(reported, err)
	})
	return &reported
}

func (b box) identity(path string) os.FileInfo {
	b.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info
}

func (b box) wantSame(before os.FileInfo, path string, want bool) {
	b.Helper()
	if got := os.SameFile(before, b.identity(path)); got != want {
		b.Errorf("%s is the file that it was: %v, want %v", path, got, want)
	}
}

func TestMediaServersHaveAFileOfTheirOwn(t *testing.T) {
	b := newBox(t, "")
	reported := b.reports()
	for _, list := range []string{"[]", strings.Repeat(`{"name":"\"200 of them\""}`, 10_000), `[{"accessToken":"srv-Hy20pL"}]`} {
		b.save(served(list))
		b.wantText(full)
		b.wantState(served(list))
		b.wantFiles(statefile.ServersName, "state.toml")
		b.wantMode(b.serversPath(), 0o600)
	}
	state, servers := b.identity(b.path), b.identity(b.serversPath())
	b.save(someServers())
	b.wantSame(state, b.path, true)
	b.wantSame(servers, b.serversPath(), true)
	s := someServers()
	s.Auth.SelectedServerID = "another"
	b.save(s)
	b.wantSame(state, b.path, false)
	b.wantSame(servers, b.serversPath(), true)
	b.File = b.reopened()
	b.wantState(s)
	b.save(s)
	b.wantSame(servers, b.serversPath(), true)
	s.Servers = nil
	b.save(s)
	b.wantState(s)
	b.wantFiles("state.toml")
	if len(*reported) > 0 {
		t.Errorf("reported: %v", *reported)
	}
}

// A list is for one token on one box.
func TestMediaServersOfSomebodyElseAreNone(t *testing.T) {
	for name, change := range map[string]func(s *statefile.State){
		"another token": func(s *statefile.State) { s.Auth.Token = secret.New("another") },
		"another box":   func(s *statefile.State) { s.ClientID = "another" },
		"nobody":        func(s *statefile.State) { s.Auth, s.Owner = nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			for _, open := range []func(testing.TB, string) box{newBox, newSealedBox} {
				b := open(t, "")
				b.save(someServers())
				theirs := b.serversText()
				other := fullState()
				change(&other)
				b.save(other)
				b.wantFiles("state.toml")
				b.writeServers(theirs) // as if the power had been cut between two writes
				reported := b.reports()
				b.wantState(other)
				b.wantFiles("state.toml") // they may hold tokens in plain text
				b.save(other)
				b.wantFiles("state.toml")
				if len(*reported) > 1 {
					t.Errorf("reported: %v", *reported)
				}
			}
		})
	}
}

func TestMediaServersInTheStateAreTakenOver(t *testing.T) {
	for _, open := range []func(testing.TB, string) box{newBox, newSealedBox} {
		b := open(t, "")
		b.save(served("older")) // then an older version has written the state
		b.write(lastRelease)
		b.wantState(someServers())
		b.save(someServers())
		b.wantFiles(statefile.ServersName, "state.toml")
		if strings.Contains(b.text(), "servers]") {
			t.Errorf("the servers are still in\n%s", b.text())
		}
		b.wantState(someServers())
	}
}

// An older version knows nothing of the file, and leaves it where it is.
func TestMediaServersAfterAnOlderVersion(t *testing.T) {
	otherToken := strings.Replace(full, token, "another", 1)
	for name, c := range map[string]struct {
		left string
		want func() statefile.State
	}{
		"asked for none":     {full, someServers},
		"has signed out":     {"retune_client_id = \"3f0c\"\n\n", signedOut},
		"has switched users": {otherToken, func() statefile.State { s := fullState(); s.Auth.Token = secret.New("another"); return s }},
		"asked for them again": {strings.Replace(lastRelease, "srv-", "new-", 1),
			func() statefile.State { return served(`[{"accessToken":"new-Hy20pL"}]`) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "")
			b.save(someServers())
			b.write(c.left)
			b.File = b.reopened()
			for range 2 {
				b.wantState(c.want())
				b.save(c.want())
			}
			if c.want().Servers == nil {
				b.wantFiles("state.toml")
			}
		})
	}
}

// badServers put something at the path that is no list.
var badServers = map[string]func(b box, path, good string) error{
	"empty":   func(_ box, path, _ string) error { return os.WriteFile(path, nil, 0o600) },
	"torn":    func(_ box, path, good string) error { return os.WriteFile(path, []byte(good[:len(good)-9]), 0o600) },
	"NULs":    func(_ box, path, good string) error { return os.WriteFile(path, make([]byte, len(good)), 0o600) },
	"no TOML": func(_ box, path, _ string) error { return os.WriteFile(path, []byte(token), 0o600) },
	"no list": func(_ box, path, _ string) error { return os.WriteFile(path, []byte("x = 1\n"), 0o600) },
	"2 MiB": func(_ box, path, _ string) error {
		return os.WriteFile(path, []byte("#"+strings.Repeat("x", 2<<20)), 0o600)
	},
	"directory": func(_ box, path, _ string) error { return os.MkdirAll(filepath.Join(path, "inner"), 0o700) },
	"FIFO":      func(_ box, path, _ string) error { return syscall.Mkfifo(path, 0o600) },
	"link": func(b box, path, good string) error {
		return errors.Join(os.WriteFile(path+".other", []byte(good), 0o600), os.Symlink(path+".other", path))
	},
	"loop": func(_ box, path, _ string) error { return os.Symlink(path, path) },
	"odd table": func(_ box, path, _ string) error {
		return os.WriteFile(path, []byte("plexauthd_servers = [1, {list = 2}]\n"), 0o600)
	},
}

func TestMediaServersAreSealed(t *testing.T) {
	b := newBox(t, "")
	b.save(someServers())
	b = b.unlock(key(t, rawKey))
	b.wantState(someServers()) // which seals both files
	for _, shown := range []string{"srv-Hy20pL", "own-Wd64eN"} {
		if strings.Contains(b.serversText(), shown) {
			t.Errorf("%s shows %s:\n%s", b.serversPath(), shown, b.serversText())
		}
	}
	b.wantNothingBare()
	sealed := b.serversText()
	b.wantState(someServers())
	b.save(someServers())
	if b.serversText() != sealed {
		t.Error("what was sealed has been sealed again")
	}
	for name, k := range map[string]statefile.Key{"another key": key(t, strings.Repeat("k", 32)), "no key": {}} {
		b.write(full)
		b.writeServers(sealed)
		b = b.unlock(k)
		if state, err := b.Load(); err != nil || state.Servers != nil || state.Auth == nil {
			t.Errorf("%s: Load() = %s, %v, want the account alone", name, spelled(state), err)
		}
	}
}

func TestPlainMediaServersThatCannotBeSealedGo(t *testing.T) {
	b := newBox(t, "")
	b.save(someServers())
	plain := b.serversText()
	b = b.unlock(key(t, rawKey))
	b.save(fullState())
	b.writeServers(plain)
	reported := b.reports()
	straced(b, func() { b.wantState(someServers()) }, "write:error=ENOSPC")
	b.wantFiles("state.toml")
	if len(*reported) != 1 || !errors.Is((*reported)[0], syscall.ENOSPC) {
		t.Errorf("reported: %v", *reported)
	}
	b.save(someServers())
	b.wantState(someServers())
}

// A list of the greatest length fits, whatever it is made of.
func TestTheLongestListOfMediaServers(t *testing.T) {
	for _, open := range []func(testing.TB, string) box{newBox, newSealedBox} {
		for _, of := range []string{`"`, `\`, "é"} {
			b := open(t, "")
			reported := b.reports()
			s := served(strings.Repeat(of, 500<<10/len(of)))
			b.save(s)
			if n := len(b.serversText()); n > 1<<20 {
				t.Errorf("%d bytes", n)
			}
			b.wantState(s)
			s.Servers.List = secret.New(strings.Repeat(of, 2<<20))
			b.save(s)
			if len(*reported) != 1 {
				t.Errorf("reported: %v", *reported)
			}
		}
	}
}

func TestAStateFileNamedAsTheMediaServersAre(t *testing.T) {
	b := newBox(t, "")
	b.path = filepath.Join(b.dir, statefile.ServersName)
	b.File = b.reopened()
	b.save(someServers())
	b.wantText(full)
	b.wantState(someServers())
	b.save(signedOut())
	b.wantFiles(statefile.ServersName)
}
