// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// FuzzComments puts a state into any document: comments, and what is not ours,
// stay as they are written, in the same order.
func FuzzComments(f *testing.F) {
	for _, text := range []string{
		"", "# head\nretune_client_id = \"x\" # of the box\n\n# ours\n[retune_plex_auth.token] # here\ntoken = 't' #t\n# tail",
		"\ufeff# BOM\r\n[a] # a\r\nb = [1, # one\r\n 2] # two\r\n[[c]]\r\nd = '''#\r\n'''''#\r\n",
		"[plexauthd_pairing]\nplex_id = \"1\"\ntoken = \"gone\" # why\n\n# about b\n[b]\n\"plexauthd_user\".x = {y = \"#\"}\n",
		"[retune_plex_auth]\nversion = 1\nextra = 1\n[retune_plex_auth.more]\n[retune_plex_auth.token]\ntoken = \"\"\"\n#\"\"\"\n[z]",
		"retune_plex_auth = {version = 1, token = {token = 't'}} # lost\n", "[plexauthd_user.x]\n[plexauthd_user]\n# u",
	} {
		f.Add(text, "name", true)
		f.Add(text, "", false)
	}
	f.Fuzz(func(t *testing.T, text, name string, flag bool) {
		doc, err := parse([]byte(text))
		if err != nil || !utf8.ValidString(name) || len(name) > 1<<10 || len(text) > maxSize/2 {
			return
		}
		want := State{
			ClientID: name, DeviceKey: &DeviceKey{Kid: name},
			Auth:  &Auth{Token: secret.New("t" + name), Username: name, Restricted: flag},
			Owner: &Auth{Token: secret.New("o"), Title: name}, HomePin: &HomePin{Wrong: uint64(len(name))},
			Pairing: &Pairing{PlexID: secret.New("1"), Code: name, Token: secret.New(name)}, Servers: &Servers{List: secret.New(name)},
		}
		if flag {
			want.HomePin.RetryAt = time.Unix(int64(len(text)), 0).UTC()
		}
		next, plain, err := doc.with(want)
		if err != nil {
			t.Fatalf("with: %v", err)
		}
		written := next.text
		if back, err := parse([]byte(written)); err != nil || !reflect.DeepEqual(back.state, want) {
			t.Errorf("%+v, %v is read back from\n%s", back.state, err, written)
		}
		if plain {
			return // they are lost, and Save says so
		}
		if before, after := remarks(t, text), remarks(t, written); !slices.Equal(before, after) {
			t.Errorf("of %q stays %q in\n%s", before, after, written)
		}
		if again, _, err := must(parse([]byte(written))).with(want); err != nil || again.text != written {
			t.Errorf("the same once more, %v:\n%s\nwas\n%s", err, again.text, written)
		}
		knowsWhatItWrote(t, next, want)
	})
}

// knowsWhatItWrote writes other values into doc, which holds s, and compares what is known
// of the result, without parsing all of it, with what is read.
func knowsWhatItWrote(t *testing.T, doc document, s State) {
	for _, name := range []string{s.ClientID + "'", "b"} {
		s.ClientID, s.Owner = name, &Auth{Token: secret.New("o"), Title: name}
		var err error
		if doc, _, err = doc.with(s); err != nil {
			t.Fatalf("with another name: %v", err)
		}
		if read := must(parse([]byte(doc.text))); !reflect.DeepEqual(read.parts, doc.parts) ||
			!same(read.values, doc.values) || !doc.holds(read.state) {
			t.Errorf("what is known of the document differs from what is read, in\n%s", doc.text)
		}
	}
}

// remarks are the comments in a document and the statements that are not about
// keys of ours.
func remarks(t *testing.T, text string) (all []string) {
	doc := must(parse([]byte(text)))
	if doc.unsplit != nil {
		t.Fatal(doc.unsplit)
	}
	own := map[string]bool{}
	for _, sec := range layout(&State{
		DeviceKey: &DeviceKey{}, Auth: &Auth{}, Owner: &Auth{}, Pairing: &Pairing{}, Servers: &Servers{}, HomePin: &HomePin{},
	}) {
		own[sec.table.String()] = true
		for _, f := range sec.fields {
			own[sec.path(f).String()] = true
		}
	}
	for _, el := range doc.parts {
		switch {
		case !el.isTrivia() && !own[el.path.String()]:
			all = append(all, strings.TrimRight(el.text, "\r\n"))
		case el.comment >= 0:
			all = append(all, strings.TrimRight(el.text[el.comment:], "\r\n"))
		}
	}
	return all
}

func must(doc document, err error) document {
	if err != nil {
		panic(err)
	}
	return doc
}
