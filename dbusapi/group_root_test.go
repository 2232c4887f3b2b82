// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// directoryOfGroups is what getent answers from.
type directoryOfGroups struct {
	t            *testing.T
	answer, runs string // files
}

func newDirectoryOfGroups(t *testing.T) *directoryOfGroups {
	t.Helper()
	dir := t.TempDir()
	d := &directoryOfGroups{t, filepath.Join(dir, "answer"), filepath.Join(dir, "runs")}
	d.write(filepath.Join(dir, "getent"), fmt.Sprintf("#!/bin/sh\necho $* >> %s\ncat %s 2>/dev/null || exit 2\n", d.runs, d.answer))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return d
}

func (d *directoryOfGroups) write(file, text string) {
	d.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
}

// hasAnswered checks how often somebody has asked.
func (d *directoryOfGroups) hasAnswered(times int) {
	d.t.Helper()
	asked, _ := os.ReadFile(d.runs)
	if want := strings.Repeat("group "+onlyInNSS+"\n", times); string(asked) != want {
		d.t.Errorf("getent was asked for %q, not %q", asked, want)
	}
}

// onlyInNSS is a group that /etc/group has not.
const onlyInNSS = "plexauth-of-nss"

func TestGroupThatOnlyNSSKnows(t *testing.T) {
	const number = 70001
	nss := newDirectoryOfGroups(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	var log journal
	b := newBox(t, setup{
		bus: bustest.System(t, policyFile(t, `<allow own="*"/><allow send_destination="*"/>`)), clock: clock, group: onlyInNSS,
		log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	stranger := newStranger(t, b.ctx, b.bus.Address, nobody)
	member := newStranger(t, b.ctx, b.bus.Address, nobody, number)
	const call = "call " + names.Credentials + ".GetAuthHeaders"
	b.client().credentials("GetAuthHeaders").gives("a{ss}") // root needs no group
	nss.hasAnswered(0)
	for range 20 {
		if answer := stranger.do(call); !strings.HasPrefix(answer, names.ErrAccessDenied) {
			t.Errorf("a stranger: %s", answer)
		}
		if answer := member.do(call); !strings.HasPrefix(answer, names.ErrAccessDenied) {
			t.Errorf("before the group is there: %s", answer)
		}
	}
	nss.hasAnswered(1)
	nss.write(nss.answer, fmt.Sprintf("%s:x:%d:somebody\n", onlyInNSS, number))
	clock.Advance(10 * time.Second)
	for range 20 {
		if answer := member.do(call); answer != "ok" {
			t.Errorf("a member of the group: %s", answer)
		}
		if answer := stranger.do(call); !strings.HasPrefix(answer, names.ErrAccessDenied) {
			t.Errorf("a stranger: %s", answer)
		}
	}
	clock.Advance(time.Hour)
	if answer := member.do(call); answer != "ok" {
		t.Errorf("a member of the group, later: %s", answer)
	}
	nss.hasAnswered(2)
	if n := strings.Count(log.String(), `msg="the group plexauth-of-nss has been found" source=getent`); n != 1 {
		t.Errorf("the log says %d times where the group is", n)
	}
	if accessgroup.Name != "plexauth" {
		t.Error("the access group has another name")
	}
}
