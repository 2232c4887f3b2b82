// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"bytes"
	"errors"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// inMemory keeps the files of a target in memory: no disk saves durably often
// enough.
func inMemory(f *testing.F) {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		f.Setenv("TMPDIR", memory)
		f.Setenv("GOTMPDIR", memory) // comes first since Go 1.26
	}
}

// addFiles adds files of every kind that other tests have.
func addFiles(f *testing.F) {
	for _, c := range broken {
		if len(c.text) < 4096 {
			f.Add([]byte(c.text))
		}
	}
	for _, text := range odd {
		f.Add([]byte(text + foreignTail))
	}
	for _, c := range readable {
		f.Add([]byte(strings.Replace(full, c.old, c.new, 1)))
	}
	for _, c := range unread {
		f.Add([]byte(strings.Replace(full, c.old, c.new, 1)))
	}
	f.Add([]byte(full))
	f.Add([]byte(firstRelease))
	f.Add([]byte(annotated))
	f.Add([]byte(full[strings.Index(full, "[plexauthd_user]"):]))
	for _, c := range halfWritten {
		f.Add([]byte(c.edit(full)))
	}
	f.Add([]byte("\ufeff# BOM\r\n[a]\r\nb = 1\r\n"))
	f.Add([]byte("\ufeffretune_client_id = 'x'\n[[a.b]]\n[a.b.c]\nd.e = {f.g = \"\"\"\n\"\"\"\"\"}"))
}

// FuzzLoad takes any bytes as the file: it is set aside or left alone as it was,
// or what it holds can be read again after it has been saved.
func FuzzLoad(f *testing.F) {
	inMemory(f)
	addFiles(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBox(t, "")
		b.write(string(data))
		began, before := time.Now(), allocated()
		state, err := b.Load()
		var unread *statefile.UnreadError
		if errors.As(err, &unread) {
			quotesNothing(t, err, data, b.dir)
			err = nil
		}
		if took, bytes := time.Since(began), allocated()-before; took > 20*time.Second || bytes > uint64(64<<20+500*len(data)) {
			t.Errorf("%d bytes took %s and %d bytes of memory", len(data), took, bytes)
		}
		if err != nil {
			wantHarmless(b, data, err)
			return
		}
		theirs := b.foreign()
		for _, table := range goneTables(state) {
			delete(theirs, table)
		}
		state.ClientID += "x"
		for range 2 {
			b.save(state)
			b.wantState(state)
			b.wantForeign(theirs)
		}
		b.save(signedOut())
		b.wantState(signedOut())
		signedIn := fullState()
		b.save(signedIn)
		b.wantState(signedIn)
	})
}

// wantHarmless checks what is left of a file that did not load.
func wantHarmless(b box, data []byte, err error) {
	b.Helper()
	path := b.path
	var corrupt *statefile.CorruptError
	var sealed *statefile.SealError
	if errors.As(err, &corrupt) {
		path = corrupt.SetAside
	} else if !errors.Is(err, statefile.ErrNewer) && !errors.As(err, &sealed) {
		b.Fatalf("Load: %v", err)
	}
	if kept, _ := os.ReadFile(path); !bytes.Equal(kept, data) {
		b.Errorf("%s is not the file as it was", path)
	}
	quotesNothing(b, err, data, b.dir)
}

// quotesNothing fails if err repeats a part of the file other than names of ours.
func quotesNothing(t testing.TB, err error, data []byte, dir string) {
	t.Helper()
	known := "retune_plex_auth"
	for table, keys := range oursIn() {
		known += " " + strings.ReplaceAll(table, ".", " ") + " " + keys
	}
	isKnown := func(part string) bool { return slices.Contains(strings.Fields(known), part) }
	var words []string
	for word := range strings.FieldsSeq(strings.ReplaceAll(err.Error(), dir, "")) {
		if !isKnown(strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(".:,", r) })[0]) {
			words = append(words, word)
		}
	}
	text := strings.Join(words, " ")
	for i := 0; i+12 <= len(data); i++ {
		part := string(data[i : i+12])
		// A version that is not known may be named.
		if isNumber := strings.Trim(part, " 0123456789") == ""; !isNumber && strings.Contains(text, part) {
			t.Fatalf("%q quotes %q", text, part)
		}
	}
}

// allocated counts all bytes of memory that have been asked for.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// FuzzRoundTrip takes any strings as the state, written into a fresh and into
// an annotated file.
func FuzzRoundTrip(f *testing.F) {
	inMemory(f)
	f.Add("plain", "AB12", uint64(7), true)
	f.Add("\"\"\" ''' \\ \\u0041 # [x]\n[retune_plex_auth]\r\n\ttoken = 1", "\x00\x01\x1f\x7f\u0080\u2028\ufeff\U0010ffff", uint64(1<<63), false)
	f.Add("\\", "\"", uint64(0), true)
	f.Add(strings.Repeat("long ", 1000), "\ufffd", uint64(1), false)
	f.Add("sealed:v1:AAAA", "sealed:none:", uint64(1), false)
	f.Fuzz(func(t *testing.T, one, two string, id uint64, flag bool) {
		s := fullState()
		s.ClientID, s.Auth.Username, s.Auth.Title, s.Auth.Thumb, s.Auth.Email = one, two, one, two+one, one+two
		s.Auth.Token, s.Pairing.PlexID, s.Pairing.Code = secret.New(one), secret.New(two), two
		s.Pairing.ID, s.Pairing.Strong, s.Auth.Restricted = id, flag, flag
		s.Owner.Token, s.Owner.Title, s.Pairing.ClientID = secret.New(two), two, one
		s.Servers, s.HomePin.Wrong = &statefile.Servers{List: secret.New(one), OwnToken: secret.New(two)}, id
		for _, text := range []string{"", annotated} {
			b := newBox(t, text)
			if !utf8.ValidString(one) || !utf8.ValidString(two) || len(one)+len(two) > 100_000 {
				if err := b.Save(s); err == nil {
					b.wantState(s)
				}
				return
			}
			b.save(s)
			if one == "" {
				s.Auth, s.Owner, s.Servers = nil, nil, nil // no token
			}
			if two == "" {
				s.Owner, s.Pairing = nil, nil // nor for the owner, and no PIN
			}
			b.wantState(s)
			if b.KeptAside() != "" {
				t.Error("the document was rewritten")
			}
			b.save(fullState())
			b.wantState(fullState())
		}
	})
}

// FuzzSealed takes any text as a secret, and as what a sealed file holds.
func FuzzSealed(f *testing.F) {
	inMemory(f)
	for _, text := range []string{"tok", "sealed:v1:", "sealed:v1:AAAA", "sealed:v1:" + strings.Repeat("A", 60), "sealed:none:x", "sealed:v1:AA\nAA", "\xff\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 100_000 {
			return
		}
		b := newSealedBox(t, "")
		s := fullState()
		s.Auth.Token, s.Pairing.Token = secret.New(text), secret.New("sealed:"+text)
		s.Owner.Token, s.Servers = secret.New(text+"x"), &statefile.Servers{List: secret.New(text), OwnToken: secret.New("sealed:" + text)}
		b.save(s)
		if text == "" {
			s.Auth, s.Owner, s.Servers = nil, nil, nil
		}
		b.wantState(s)
		line, err := toml.Marshal(map[string]string{"token": "sealed:" + text})
		if err != nil {
			return
		}
		b.write(strings.Replace(full, "token = \"tok-Zx81aQ-secret\"\n", string(line), 1))
		before := b.text()
		var refused *statefile.SealError
		state, err := b.Load()
		switch {
		case err == nil:
			if !strings.HasPrefix(text, "v1:") && !strings.HasPrefix(text, "none:") {
				t.Errorf("%q was opened", "sealed:"+text)
			}
			b.wantState(state)
			b.unlock(statefile.Key{}).wantSealError()
		case errors.As(err, &refused):
			b.wantText(before)
		default:
			wantHarmless(b, []byte(before), err)
		}
	})
}
