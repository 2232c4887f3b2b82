// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// rawKey ends in what could be taken for the end of a line.
const rawKey = "0123456789abcdef\x00\xff'\"#%<>[]{};:\t\n"

func key(t testing.TB, text string) statefile.Key {
	t.Helper()
	k, err := statefile.ParseKey(secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// unlock gives the box a state file with that key and the same path.
func (b box) unlock(k statefile.Key) box {
	b.File = statefile.OpenSealed(b.path, clockwork.NewFakeClockAt(utc("2026-01-15T12:00:00Z")), k)
	return b
}

func newSealedBox(t testing.TB, text string) box {
	t.Helper()
	return newBox(t, text).unlock(key(t, rawKey))
}

var sealedValue = regexp.MustCompile(`"sealed:v1:[\w-]+"`)

// wantNothingBare looks for the secrets of fullState in all files.
func (b box) wantNothingBare() {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(b.dir, ".*"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no files to look into (%v)", err)
	}
	for _, name := range append(files, hidden...) {
		data, _ := os.ReadFile(name)
		for _, key := range secretKeys {
			if strings.Contains(string(data), key.text) {
				b.Errorf("%s shows %s:\n%s", name, key.name, data)
			}
		}
	}
}

// wantSealError wants the file to be refused and left alone.
func (b box) wantSealError(says ...string) {
	b.Helper()
	before := b.text()
	state, err := b.Load()
	var refused *statefile.SealError
	if !errors.As(err, &refused) || refused.Path != b.path {
		b.Fatalf("Load: %v, want a *SealError", err)
	}
	b.wantPlainText(err, append(says, b.path, "plexauthd.key", "sign in again")...)
	if state != (statefile.State{ClientID: state.ClientID}) || !strings.HasPrefix(before, `retune_client_id = "`+state.ClientID+`"`) {
		b.Errorf("Load() = %+v with that error, want the client id alone", state)
	}
	for _, s := range []statefile.State{fullState(), signedOut()} {
		if failed := b.wantWriteError(s); !errors.As(failed, &refused) {
			b.Errorf("Save: %v, want it to say that the file is sealed", failed)
		}
	}
	b.wantText(before)
	b.wantFiles("state.toml")
}

func TestOnlySecretsAreSealed(t *testing.T) {
	b := newSealedBox(t, "")
	b.wantState(statefile.State{})
	b.save(fullState())
	b.wantNothingBare()
	n := 0
	readable := sealedValue.ReplaceAllStringFunc(b.text(), func(string) string {
		key := secretKeys[n]
		n++
		plain := regexp.MustCompile(`"(\\.|[^"\\])*` + key.text + `(\\.|[^"\\])*"`)
		return plain.FindString(full)
	})
	if readable != full {
		t.Errorf("but for the sealed values the file is\n%s\nwant\n%s", readable, full)
	}
	b.wantState(fullState())
	b.unlock(key(t, hex.EncodeToString([]byte(rawKey)))).wantState(fullState())
	b.save(signedOut())
	b.wantState(signedOut())
	b.wantText("retune_client_id = \"3f0c\"\n\n")
}

func TestWhatIsUnchangedStaysSealedAsItIs(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	before := b.text()
	b.save(fullState())
	b.wantText(before)
	s := fullState()
	s.Auth.Title = "Bob"
	b.save(s)
	b.wantText(strings.Replace(before, `"Ann"`, `"Bob"`, 1))
	s.Pairing.PlexID = secret.New("7654321")
	b.save(s)
	if old, now := sealedValue.FindAllString(before, -1), sealedValue.FindAllString(b.text(), -1); old[0] != now[0] || old[1] == now[1] || old[2] != now[2] {
		t.Errorf("of three values the second was to change:\n%q\n%q", old, now)
	}
	s.ClientID = "another"
	b.save(s)
	b.wantState(s)
}

func TestWhatDoesNotOpenIsRefused(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	good := b.text()
	values := sealedValue.FindAllString(good, -1)
	swapped := func(a, b string) string { return strings.NewReplacer(a, b, b, a).Replace(good) }
	second := func(text string) string { return strings.Replace(good, values[1], text, 1) }
	const name, other, altered = "retune_plex_auth.token.token", "plexauthd_pairing.plex_id", "altered"
	right := key(t, rawKey)
	for _, c := range []struct {
		what, text string
		key        statefile.Key
		says       []string
	}{
		{"no key", good, statefile.Key{}, []string{name, "there is no key"}},
		{"another key", good, key(t, strings.Repeat("k", 32)), []string{name, "not the one"}},
		{"token and PIN swapped", swapped(values[0], values[1]), right, []string{name, altered}},
		{"two of one table swapped", swapped(values[1], values[2]), right, []string{other, altered}},
		{"another box", strings.Replace(good, `"3f0c"`, `"4f0c"`, 1), right, []string{name, altered}},
		{"cut off", second(`"sealed:v1:AAAA"`), right, []string{other, altered}},
		{"empty", second(`"sealed:v1:"`), right, []string{other, altered}},
		{"a later form", second(`"sealed:v2:AAAA"`), right, []string{other, "does not know"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBox(t, c.text).unlock(c.key)
			b.wantWriteError(signedOut()) // without Load, as when the file becomes so under a running daemon
			b.wantSealError(c.says...)
			b.write(good)
			b.unlock(right).wantState(fullState())
		})
	}
}

func TestEverySecretIsBoundToItsPlace(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	good := b.text()
	values := sealedValue.FindAllString(good, -1)
	for i, key := range secretKeys {
		b.write(strings.Replace(good, values[i], values[(i+1)%len(values)], 1))
		b.wantSealError(key.name, "altered")
	}
}

func TestEveryBitOfASealedValueCounts(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	good := b.text()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, value := range sealedValue.FindAllStringIndex(good, -1) {
		for at := value[0] + len(`"sealed:v1:`); good[at] != '"'; at++ {
			for _, c := range []byte{alphabet[strings.IndexByte(alphabet, good[at])^1], '='} {
				b.write(good[:at] + string(c) + good[at+1:])
				if state, err := b.Load(); err == nil || state.Auth != nil {
					t.Errorf("%q opens", b.text()[value[0]:value[1]])
				}
			}
		}
	}
}

// inline is a plain file that has to be rewritten to be sealed.
var inline = strings.Replace(odd["inline table"], `"t"`, `"`+token+`"`, 1)

func TestAPlainFileIsSealedAtOnce(t *testing.T) {
	for name, text := range map[string]string{"lines": annotated, "inline table": inline} {
		b := newSealedBox(t, text)
		for _, left := range []string{".state.toml81", "state.toml.orig", "state.toml.corrupt-20260101T000000Z"} {
			if err := os.WriteFile(filepath.Join(b.dir, left), []byte(full), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		state, err := b.Load()
		if err != nil || !state.Auth.Token.Equal(secret.New(token)) {
			t.Fatalf("%s: Load() = %+v, %v", name, state, err)
		}
		b.wantNothingBare()
		b.wantFiles("state.toml")
		b.wantState(state)
		if strings.Contains(b.text(), "# about") != strings.Contains(text, "# about") {
			t.Errorf("%s: the comments are lost:\n%s", name, b.text())
		}
	}
}

func TestASecretWrittenByHandIsSealed(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	b.write(strings.Replace(b.text(), sealedValue.FindString(b.text()), `"`+token+`"`, 1))
	b.wantState(fullState())
	b.wantNothingBare()
	b.write(inline)
	b.save(fullState())
	b.wantNothingBare()
	if b.KeptAside() != "" {
		t.Errorf("a plain copy was kept as %s", b.KeptAside())
	}
}

func TestASealedOriginalIsKept(t *testing.T) {
	b := newSealedBox(t, "")
	s := statefile.State{ClientID: "3f0c", Auth: &statefile.Auth{Token: secret.New(token)}, Pairing: &statefile.Pairing{ID: 7, PlexID: secret.New("1234567")}}
	b.save(s)
	values := sealedValue.FindAllString(b.text(), 2)
	sealed := strings.Replace(inline, `"`+token+`"`, values[0], 1)
	b.write(sealed + `plexauthd_pairing = {id = 7, plex_id = ` + values[1] + "}\n")
	b.wantState(s)
	s.Pairing.ID = 8
	b.save(s)
	if b.wantState(s); b.KeptAside() != b.path+".orig" {
		t.Errorf("KeptAside() = %q, want the .orig", b.KeptAside())
	}
}

func TestSealedCopiesStay(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	b.write(b.text() + "no TOML")
	var corrupt *statefile.CorruptError
	if _, err := b.Load(); !errors.As(err, &corrupt) {
		t.Fatalf("Load: %v", err)
	}
	b.save(signedOut())
	b.wantState(signedOut())
	b.wantFiles("state.toml", filepath.Base(corrupt.SetAside))
	b.wantNothingBare()
}

func TestWhatCannotBeSealedIsSaid(t *testing.T) {
	b := longName(t, full).unlock(key(t, rawKey))
	state, err := b.Load()
	var failed *statefile.WriteError
	if !errors.As(err, &failed) || failed.Op != "write" || state.Auth == nil || !state.Auth.Token.Equal(secret.New(token)) {
		t.Errorf("Load() = %+v, %v, want the state and a *WriteError", state, err)
	}
	b.wantText(full)
	short := newBox(t, full).unlock(key(t, rawKey))
	b.path, b.File = short.path, short.File
	b.save(fullState())
	short.wantNothingBare()
}

func TestSecretsThatLookSealed(t *testing.T) {
	for _, text := range []string{"sealed:", "sealed:v1:AAAA", "sealed:none:", "sealed:none:sealed:none:x"} {
		b := newBox(t, "")
		s := fullState()
		s.Auth.Token, s.Pairing.PlexID = secret.New(text), secret.New("none:"+text)
		b.save(s)
		b.wantState(s)
		sealed := b.unlock(key(t, rawKey))
		sealed.wantState(s)
		sealed.wantState(s)
		if n := len(sealedValue.FindAllString(b.text(), -1)); n != len(secretKeys) {
			t.Errorf("%d values are sealed, want %d:\n%s", n, len(secretKeys), b.text())
		}
	}
}
