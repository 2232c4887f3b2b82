// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// standIns gives the numbers of the user and the group that stand in for those of
// the bus policy.
func standIns(t *testing.T) (uid, gid uint32) {
	t.Helper()
	someone, err := user.Lookup(standIn)
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroup(standIn)
	if err != nil {
		t.Fatal(err)
	}
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	return number(someone.Uid), number(group.Gid)
}

// policies gives the bus policy that is installed, for the stand-ins, with what
// polkit needs or without.
func policies(t *testing.T, polkit bool) []string {
	t.Helper()
	const installed = "../packaging/dbus-1/system.d/tv.retune.PlexAuth1"
	text, err := os.ReadFile(installed + ".conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`user="plexauthd"`, `group="plexauth"`} {
		kind, _, _ := strings.Cut(name, "=")
		if bytes.Count(text, []byte(name)) != 1 {
			t.Fatalf("the policy does not say %s once", name)
		}
		text = bytes.Replace(text, []byte(name), fmt.Appendf(nil, "%s=%q", kind, standIn), 1)
	}
	file := filepath.Join(t.TempDir(), "plexauthd.conf")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if !polkit {
		return []string{file}
	}
	forPolkit, err := filepath.Abs(installed + ".polkit.conf")
	if err != nil {
		t.Fatal(err)
	}
	return []string{file, forPolkit}
}

// policyFile makes one with rules for everybody.
func policyFile(t *testing.T, rules string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.conf")
	text := `<busconfig><policy context="mandatory">` + rules + `</policy></busconfig>`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
