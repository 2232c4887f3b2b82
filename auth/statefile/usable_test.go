// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// pair is a device key as a file may hold it; "absent" for a key of the file
// that is not there.
type pair struct{ kid, private, says string }

const absent = "absent"

// halfWritten are device keys that cannot sign, and what the error says.
var halfWritten = map[string]pair{
	"nothing":        {absent, absent, "there is none"},
	"empty":          {"", "", "there is none"},
	"no kid":         {absent, private, "its id is missing"},
	"empty kid":      {"", private, "its id is missing"},
	"no private key": {kid, absent, "its private part is missing"},
	"empty private":  {kid, "", "its private part is missing"},
	"truncated":      {kid, private[:20], "not 32 bytes"},
	"a bit astray":   {kid, private[:42] + "B", "not 32 bytes"},
	"another's kid":  {otherKid, private, "not the thumbprint"},
	"half a kid":     {kid[:20], private, "not the thumbprint"},
}

var keyTable = regexp.MustCompile(`(?s)\[retune_device_key\]\n.*?\n\n`)

// edit returns text with p in the place of its device key.
func (p pair) edit(text string) string {
	table := "[retune_device_key]\n"
	if p.kid != absent {
		table += `kid = "` + p.kid + "\"\n"
	}
	if p.private != absent {
		table += `private_key = "` + p.private + "\"\n"
	}
	return keyTable.ReplaceAllLiteralString(text, table+"\n")
}

// sealed is what a file of the box 3f0c holds for a secret, under rawKey.
func sealed(t *testing.T, name, text string) string {
	t.Helper()
	block, err := aes.NewCipher([]byte(rawKey))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	data := aead.Seal(nil, nil, []byte(text), []byte(name+"\x003f0c"))
	return "sealed:v1:" + base64.RawURLEncoding.EncodeToString(data)
}

// sealedFile is full, sealed, with p as its device key.
func sealedFile(t *testing.T, p pair) string {
	t.Helper()
	b := newSealedBox(t, "")
	b.save(fullState())
	if p.private != absent && p.private != "" {
		p.private = sealed(t, "retune_device_key.private_key", p.private)
	}
	return p.edit(b.text())
}

// wantHalfWritten wants the file to be set aside and account to be all that
// is left of it.
func (b box) wantHalfWritten(account *statefile.Auth, says string) {
	b.Helper()
	before := b.text()
	state, err := b.Load()
	var corrupt *statefile.CorruptError
	if !errors.As(err, &corrupt) || corrupt.SetAside == "" {
		b.Fatalf("Load: %v, want a *CorruptError and the file set aside", err)
	}
	b.wantPlainText(err, b.path, "retune_device_key", "half-written", says)
	if strings.Contains(err.Error(), kid[:12]) || strings.Contains(err.Error(), otherKid[:12]) {
		b.Errorf("the error quotes the kid: %v", err)
	}
	if kept, _ := os.ReadFile(corrupt.SetAside); string(kept) != before {
		b.Error("the file was not kept whole")
	}
	if left := state.Auth; left == nil || !left.Token.Equal(account.Token) {
		b.Fatalf("Load() = %s, want the account %+v", spelled(state), account)
	}
	state.Auth.Token = account.Token // == compares identity
	if *state.Auth != *account {
		b.Errorf("the account is %+v, want %+v", state.Auth, account)
	}
	state.Auth, state.HomePin = nil, nil // signing in again makes up for no wrong PIN
	if state != (statefile.State{}) {
		b.Errorf("besides the account there is left %s", spelled(state))
	}
}

func TestAHalfWrittenDeviceKeyLeavesTheAccount(t *testing.T) {
	renewed := statefile.State{ClientID: "new", Auth: fullState().Owner}
	for name, p := range halfWritten {
		t.Run(name, func(t *testing.T) {
			for _, b := range []box{newBox(t, p.edit(full)), newSealedBox(t, sealedFile(t, p)), newSealedBox(t, p.edit(full))} {
				b.wantHalfWritten(fullState().Owner, p.says)
				b.save(renewed)
				b.wantState(renewed)
				// The copy that was set aside holds tokens too.
				b.save(statefile.State{ClientID: "new"})
				b.wantFiles("state.toml")
			}
		})
	}
}

func TestAHalfWrittenDeviceKeyWithoutHomeUser(t *testing.T) {
	p := halfWritten["truncated"]
	from, to := strings.Index(full, "[plexauthd_home]"), strings.Index(full, "[plexauthd_home_pin]")
	newBox(t, p.edit(full[:from]+full[to:])).wantHalfWritten(fullState().Auth, p.says)

	b := newBox(t, "retune_client_id = \"3f0c\"\n"+p.edit("[retune_device_key]\n\n"))
	var corrupt *statefile.CorruptError
	if state, err := b.Load(); !errors.As(err, &corrupt) || state != (statefile.State{}) {
		t.Errorf("Load() = %s, %v, want no state with nobody signed in", spelled(state), err)
	}
}

func TestWholeDeviceKeysLoad(t *testing.T) {
	for _, b := range []box{newBox(t, ""), newSealedBox(t, "")} {
		s := statefile.State{ClientID: "3f0c", DeviceKey: fullState().DeviceKey}
		b.save(s)
		b.wantState(s)
		s.DeviceKey = &statefile.DeviceKey{Kid: otherKid, PrivateKey: secret.New(otherPrivate)}
		b.save(s)
		b.wantState(s)
	}
	b := newSealedBox(t, sealedFile(t, pair{kid: otherKid, private: otherPrivate}))
	s := fullState()
	s.DeviceKey = &statefile.DeviceKey{Kid: otherKid, PrivateKey: secret.New(otherPrivate)}
	b.wantState(s)
}

// TestADeviceKeyThatBecameHalfWritten has somebody spoil the file under the
// daemon, which still knows the key.
func TestADeviceKeyThatBecameHalfWritten(t *testing.T) {
	for _, p := range halfWritten {
		b := newBox(t, full)
		b.wantState(fullState())
		b.write(p.edit(full))
		b.save(fullState())
		b.wantText(full)
		b.wantFiles("state.toml", filepath.Base(b.KeptAside()))
	}
}

func TestKeysThatCannotSignAreNotSaved(t *testing.T) {
	b := newBox(t, full)
	for name, p := range halfWritten {
		if p.kid == absent || p.private == absent {
			continue
		}
		s, pairing := fullState(), fullState()
		s.DeviceKey = &statefile.DeviceKey{Kid: p.kid, PrivateKey: secret.New(p.private)}
		pairing.Pairing.Kid, pairing.Pairing.PrivateKey = p.kid, secret.New(p.private)
		for _, s := range []statefile.State{s, pairing} {
			if name == "empty" && s.DeviceKey.Kid != "" {
				continue // a pairing may have no key
			}
			failed := b.wantWriteError(s)
			b.wantPlainText(failed, p.says)
			if failed.Op != "encode" {
				t.Errorf("%s: %v, want it not even written", name, failed)
			}
			b.wantText(full)
		}
	}
}

func TestAPairingWithHalfAKeyIsLeftOut(t *testing.T) {
	without := fullState()
	without.Pairing = nil
	both := `kid = "` + otherKid + "\"\nprivate_key = \"" + otherPrivate + "\"\n"
	for name, key := range map[string]string{
		"no private key": `kid = "` + otherKid + "\"\n",
		"no kid":         `private_key = "` + otherPrivate + "\"\n",
		"truncated":      strings.Replace(both, otherPrivate, otherPrivate[:20], 1),
		"another's kid":  strings.Replace(both, otherKid, kid, 1),
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(full, both, key, 1)
			b := newBox(t, text)
			b.wantState(without)
			b.wantText(text)
			b.save(without)
			b.wantState(without)
			if strings.Contains(b.text(), "plexauthd_pairing") {
				t.Errorf("the pairing is still in\n%s", b.text())
			}
			locked := newSealedBox(t, text)
			locked.wantState(without)
			locked.wantNothingBare()
		})
	}
}

// TestNoTokenOutlivesTheAccount signs out as carelessly as can be.
func TestNoTokenOutlivesTheAccount(t *testing.T) {
	s := fullState()
	s.Auth = nil
	want := s
	want.Owner, want.Servers = nil, nil
	for _, b := range []box{newBox(t, full), newSealedBox(t, full)} {
		b.wantState(fullState())
		for _, name := range []string{".state.toml81", "state.toml.orig", "state.toml.corrupt-20260101T000000Z"} {
			if err := os.WriteFile(filepath.Join(b.dir, name), []byte(full), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.save(s)
		b.wantState(want)
		b.wantFiles("state.toml")
		for _, table := range []string{"retune_plex_auth", "plexauthd_user", "plexauthd_home]", "plexauthd_servers"} {
			if strings.Contains(b.text(), table) {
				t.Errorf("%s is still in\n%s", table, b.text())
			}
		}
	}
}
