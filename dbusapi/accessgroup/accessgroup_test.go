// SPDX-License-Identifier: Apache-2.0

package accessgroup_test

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
)

// fakeGetent has getent be a shell script.
func fakeGetent(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "getent"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestInFiles(t *testing.T) {
	if g, err := accessgroup.InFiles("root"); err != nil || g.ID != 0 || g.Source != accessgroup.Files {
		t.Errorf("root: %+v, %v", g, err)
	}
	if g, err := accessgroup.InFiles("no-such-group"); !errors.Is(err, accessgroup.ErrNone) {
		t.Errorf("no such group: %+v, %v", g, err)
	}
}

// TestOf compares with what the standard library finds in the same files.
func TestOf(t *testing.T) {
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		who, err := user.Lookup(strings.Split(line, ":")[0])
		if err != nil {
			t.Fatal(err)
		}
		want, err := who.GroupIds()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		uid, _ := strconv.ParseUint(who.Uid, 10, 32)
		for _, id := range accessgroup.Of(uint32(uid)) {
			got = append(got, strconv.FormatUint(uint64(id), 10))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%s is in %v, want %v", who.Username, got, want)
		}
	}
	if got := accessgroup.Of(4_000_000_000); got != nil {
		t.Errorf("nobody is in %v", got)
	}
}

func TestInNSS(t *testing.T) {
	if g, err := accessgroup.InNSS(t.Context(), "root"); err != nil || g.ID != 0 || g.Source != accessgroup.NSS {
		t.Errorf("root: %+v, %v", g, err)
	}
	if g, err := accessgroup.InNSS(t.Context(), "no-such-group"); !errors.Is(err, accessgroup.ErrNone) {
		t.Errorf("no such group: %+v, %v", g, err)
	}
	for script, want := range map[string]accessgroup.Group{
		`echo "$2:x:4294967295:"`:            {ID: 4294967295, Source: accessgroup.NSS},
		`echo "$1:*:70001:kodi,alice smith"`: {ID: 70001, Source: accessgroup.NSS, Members: []string{"kodi", "alice smith"}},
	} {
		fakeGetent(t, script)
		if g, err := accessgroup.InNSS(t.Context(), "some"); err != nil || !cmp.Equal(g, want) {
			t.Errorf("%s: %+v, %v", script, g, err)
		}
	}
	for script, want := range map[string]string{
		"exit 1":                     "running getent: exit status 1",
		"echo nonsense":              `getent printed "nonsense\n"`,
		"echo some:x:many:":          "getent printed",
		"echo some:x:4294967296:":    "getent printed",
		"echo some:x:-1:":            "getent printed",
		"echo 1; echo some:x:1:a,b:": "getent printed",
		"kill -9 $$":                 "running getent: signal: killed",
	} {
		fakeGetent(t, script)
		if g, err := accessgroup.InNSS(t.Context(), "some"); err == nil || errors.Is(err, accessgroup.ErrNone) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", script, g, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := accessgroup.InNSS(ended, "some"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := accessgroup.InNSS(t.Context(), "root"); !errors.Is(err, accessgroup.ErrNone) {
		t.Errorf("without getent: %v", err)
	}
}

func TestFind(t *testing.T) {
	if _, err := accessgroup.InFiles(accessgroup.Name); err == nil {
		t.Logf("%s is in %s here", accessgroup.Name, accessgroup.Files)
		return
	}
	fakeGetent(t, `echo "$2:x:70001:"`)
	if g, err := accessgroup.Find(t.Context()); err != nil || g.ID != 70001 {
		t.Errorf("%+v, %v", g, err)
	}
}
