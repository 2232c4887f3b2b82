// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestCallerWhoLeavesWhileNSSIsAsked does not take the answer away from others.
func TestCallerWhoLeavesWhileNSSIsAsked(t *testing.T) {
	const number = 70001
	nss := newDirectoryOfGroups(t)
	nss.write(nss.answer, fmt.Sprintf("%s:x:%d:\n", onlyInNSS, number))
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	nss.write(filepath.Join(filepath.Dir(nss.runs), "getent"),
		fmt.Sprintf("#!/bin/sh\necho $* >> %s\nread nothing < %s\ncat %s\n", nss.runs, gate, nss.answer))
	b := newBox(t, setup{
		bus:   bustest.System(t, policyFile(t, `<allow own="*"/><allow send_destination="*"/>`)),
		clock: clockwork.NewFakeClockAt(time.Now()), group: onlyInNSS,
	})
	leaver := newStranger(t, b.ctx, b.bus.Address, nobody)
	member := newStranger(t, b.ctx, b.bus.Address, nobody, number)
	leaver.tell("call %s.RequestPin", names.Main)
	open, err := os.OpenFile(gate, os.O_WRONLY, 0) // waits for getent
	if err != nil {
		t.Fatal(err)
	}
	_ = leaver.in.(io.Closer).Close()
	for leaver.out.Scan() { // until it has ended
	}
	b.client().credentials("GetAuthHeaders").gives("a{ss}") // the bus tells of the leaver before
	member.tell("call %s.GetAuthHeaders", names.Credentials)
	_ = open.Close()
	if answer := member.answer(); answer != "ok" {
		t.Errorf("a member of the group: %s", answer)
	}
	nss.hasAnswered(1)
}

// TestWarningWithoutGroup tells a group that is not there from one that nobody can
// tell about.
func TestWarningWithoutGroup(t *testing.T) {
	const missing, unknown = `msg="there is no group plexauth-of-nss: `, `msg="cannot look up the group plexauth-of-nss: `
	for status, want := range map[int]string{2: missing, 3: unknown} {
		nss := newDirectoryOfGroups(t)
		nss.write(filepath.Join(filepath.Dir(nss.runs), "getent"), fmt.Sprintf("#!/bin/sh\nexit %d\n", status))
		warned := make(chan string, 1)
		newest := newBox(t, setup{system: true, group: onlyInNSS, log: slog.New(slog.NewTextHandler(warnings(warned), nil))})
		line := await(newest, warned, "a warning")
		if !strings.Contains(line, want) || strings.Contains(line, dbusapi.MessageNoGroup) != (want == missing) {
			t.Errorf("getent ends with %d: %s", status, line)
		}
	}
}

// warnings passes on the first line of the log about a group.
type warnings chan string

func (w warnings) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "level=WARN") && strings.Contains(string(line), " group ") {
		select {
		case w <- string(line):
		default:
		}
	}
	return len(line), nil
}
