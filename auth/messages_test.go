// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// told wants one line with that message id in the log, and these fields in it.
func (b *box) told(id string, fields ...string) (line string) {
	b.Helper()
	_ = b.account.Alive(b.soon()) // what is being logged is there then
	var found []string
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(strings.TrimSpace(line)+" ", " message_id="+id+" ") {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		b.Fatalf("%d lines with message id %s, want one; log:\n%s", len(found), id, b.log)
	}
	for _, field := range fields {
		if !strings.Contains(found[0]+" ", " "+field) {
			b.Errorf("no field %s in %s", field, found[0])
		}
	}
	return found[0]
}

func TestEveryKindOfEventHasItsMessage(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{Strong: true})
	pinID := fmt.Sprintf("pin_id=%d ", p.ID)
	b.must(b.account.Configure(b.soon(), auth.Settings{PollInterval: interval, PairingTimeout: timeout}))
	b.told(auth.MessagePairingStarted, pinID, "strong=true", "expires_at=2")

	token := b.sim.AddUser(plextvsim.User{ID: 4711, Username: "alice"})
	b.must(b.sim.Claim(p.Code, token))
	b.passUntil(named, interval)
	b.told(auth.MessagePairingEnded, pinID, "result=claimed")
	b.told(auth.MessageSignedIn, "user_id=4711 ", "reason=signed-in")

	held, err := b.account.Token()
	b.must(err)
	b.must(b.sim.Refuse(held.Reveal(), 422))
	b.validate(false)
	b.wind(askAgain, in(auth.Expired))
	b.told(auth.MessageTokenRefused, "level=WARN", "user_id=4711 ", "reason=revoked", "http_status=422")

	b.must(b.account.Clear(b.soon()))
	b.told(auth.MessageSignedOut, "user_id=4711 ", "reason=signed-out")
	for _, hidden := range []string{p.Code, "alice", token, held.Reveal(), auth.MessageUnverified} {
		if strings.Contains(b.log.String(), hidden) {
			t.Errorf("the log holds %s:\n%s", hidden, b.log)
		}
	}
}

func TestTheMessagesOfAPairingThatIsForced(t *testing.T) {
	b := newBox(t)
	first, second := b.pair(auth.PinOptions{}), b.pair(auth.PinOptions{Force: true})
	b.told(auth.MessagePairingEnded, fmt.Sprintf("pin_id=%d ", first.ID), "result=cancelled")
	for _, p := range []auth.Pairing{first, second} {
		if want := fmt.Sprintf("%s pin_id=%d ", auth.MessagePairingStarted, p.ID); strings.Count(b.log.String(), want) != 1 {
			t.Errorf("not one line with %s in\n%s", want, b.log)
		}
	}
}

func TestTheMessageOfATokenThatCannotBeVerified(t *testing.T) {
	for name, test := range map[string]struct {
		fault  plextvsim.Fault
		status string
	}{
		"no answer": {plextvsim.Fault{Reset: true}, ""},
		"forbidden": {plextvsim.Fault{Status: 403}, " http_status=403\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, func(s *setup) { s.auth.CheckEvery = 0 })
			b.signIn(plextvsim.User{})
			test.fault.Endpoint = plextvsim.GetUser
			b.sim.Fail(test.fault)
			b.restart(0)
			for !strings.Contains(b.log.String(), auth.MessageUnverified) {
				b.tick(interval) // the pauses between tries
			}
			b.close()
			line := b.told(auth.MessageUnverified, "level=INFO", "error=")
			if !strings.HasSuffix(line, test.status) || strings.Contains(line, " http_status=") != (test.status != "") {
				t.Errorf("want the status%q and nothing else of it in %s", test.status, line)
			}
		})
	}
}

// reopen starts the account again on the disk as it is, with a new log.
func (b *box) reopen() {
	b.Helper()
	b.close()
	b.log.mu.Lock()
	b.log.text.Reset()
	b.log.mu.Unlock()
	b.open()
}

func TestTheMessagesOfAStateThatIsNotKept(t *testing.T) {
	b := newBox(t)
	mend := b.breakDisk()
	if _, err := b.account.RequestPin(b.soon(), auth.PinOptions{}); err == nil {
		t.Error("a pairing was kept on a broken disk")
	}
	b.told(auth.MessageStateNotKept, "level=ERROR", `error="saving state: `)
	b.reopen()
	b.told(auth.MessageStateNotKept, "level=ERROR", `error="saving state: `, `msg="the state cannot be saved`)
	mend()
	b.must(os.WriteFile(b.path, []byte("no TOML"), 0o600))
	b.reopen()
	b.told(auth.MessageStateCorrupt, "level=ERROR", "set_aside="+b.path+".corrupt-", "error=")
	b.must(os.WriteFile(b.path, []byte("retune_client_id = \"x\"\n[retune_plex_auth.token]\ntoken = \"sealed:v1:AAAA\"\n"), 0o600))
	b.reopen()
	b.told(auth.MessageStateNotKept, "level=ERROR", `msg="the state could not be read`, `error="state file `+b.path+` is sealed`)
	equal(t, "client id", b.account.Snapshot().Headers["X-Plex-Client-Identifier"], "x")
}

// A file name without room for the name of a temporary file keeps root, too,
// from writing.
func TestAStateThatCannotBeSealedIsUsedAndSaid(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	b.close()
	kept := b.file()
	b.path = filepath.Join(filepath.Dir(b.path), strings.Repeat("n", 250))
	b.must(os.WriteFile(b.path, kept, 0o600))
	key, err := statefile.ParseKey(secret.New(strings.Repeat("k", 32)))
	b.must(err)
	b.options.Store = statefile.OpenSealed(b.path, b.clock, key)
	b.open()
	held, err := b.account.Token()
	b.must(err)
	equal(t, "token", held.Reveal(), token)
	b.told(auth.MessageStateNotKept, "level=ERROR", `error="saving state: write`, `msg="the state could be read, but not sealed"`)
	if problem := b.account.Snapshot().StorageProblem; !strings.Contains(problem, "saving state") {
		t.Errorf("the account says about its state: %q", problem)
	}
}
