// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// packed compresses the text, followed by so many spaces.
func packed(t *testing.T, text string, spaces int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.Copy(w, io.MultiReader(strings.NewReader(text), io.LimitReader(blank{}, int64(spaces))))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type blank struct{}

func (blank) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func compressed(status int, label string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if label != "" {
			w.Header().Set("Content-Encoding", label)
		}
		reply(status, jsonType, string(body))(w, r)
	}
}

func askForServers(ctx context.Context, c *plextv.Client) error {
	_, err := c.Resources(ctx, me, secret.New(token))
	return err
}

// Some proxies compress what nobody wanted compressed.
func TestCompressedAnswersAreRead(t *testing.T) {
	for _, label := range []string{"gzip", "x-gzip", ""} {
		for name, test := range map[string]struct {
			body string
			do   func(context.Context, *plextv.Client) error
		}{
			"user": {someUser, askUser}, "PIN": {waiting, check}, "servers": {"[" + fullServer + "]", askForServers},
		} {
			if err := test.do(t.Context(), serve(t, compressed(200, label, packed(t, test.body, 0))).client(t)); err != nil {
				t.Errorf("%s, %q: %v", name, label, err)
			}
		}
		err := askUser(t.Context(), serve(t, compressed(401, label, packed(t, badToken, 0))).client(t))
		if e := failed(t, err, plextv.Refused); e.Code != 1001 {
			t.Errorf("%q: %v", label, err)
		}
	}
	if err := askUser(t.Context(), serve(t, compressed(200, "gzip", []byte(someUser))).client(t)); err != nil {
		t.Errorf("not compressed, though it says so: %v", err)
	}
}

func TestCompressedAnswersAreBounded(t *testing.T) {
	whole := packed(t, someUser, 0)
	broken := bytes.Clone(whole)
	broken[len(broken)-5] ^= 1
	for name, test := range map[string]struct {
		body []byte
		do   func(context.Context, *plextv.Client) error
		says string
	}{
		"too large":     {packed(t, someUser, 64<<20), askUser, "larger than 1 MiB"},
		"a long list":   {packed(t, "["+fullServer+"]", 64<<20), askForServers, "larger than 8 MiB"},
		"cut off":       {whole[:len(whole)-9], askUser, "cut off"},
		"wrong sum":     {broken, askUser, "not proper"},
		"a header only": {whole[:5], askUser, "cut off"},
		"twice":         {packed(t, string(whole), 0), askUser, "cut off or broken"},
	} {
		e := failed(t, test.do(t.Context(), serve(t, compressed(200, "gzip", test.body)).client(t)), plextv.InvalidResponse)
		if !strings.Contains(e.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, e, test.says)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	list := "[" + fullServer + "]"
	fits := list + strings.Repeat(" ", 8<<20-len(list))
	if err := askForServers(t.Context(), serve(t, reply(200, jsonType, fits)).client(t)); err != nil {
		t.Errorf("8 MiB: %v", err)
	}
	for answer, says := range map[string]string{
		fits + " ": "larger than 8 MiB", list[:len(list)-2]: "cut off or broken", "<html>": "captive portal", "": "empty answer",
	} {
		e := failed(t, askForServers(t.Context(), serve(t, reply(200, jsonType, answer)).client(t)), plextv.InvalidResponse)
		if !strings.Contains(e.Error(), says) {
			t.Errorf("%v, want %q", e, says)
		}
	}
}

// One line an hour names a field that cannot be read.
func TestOddFieldsAreLoggedOnceAnHour(t *testing.T) {
	var log bytes.Buffer
	clock := clockwork.NewFakeClock()
	c := serve(t, reply(200, jsonType, `{"id":42,"title":{"secret":"s3cret"},"thumb":["s3cret"]}`)).client(t, func(cfg *plextv.Config) {
		cfg.Clock, cfg.Log = clock, slog.New(slog.NewTextHandler(&log, nil))
	})
	ask := func() {
		if err := askUser(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(field string) int { return strings.Count(log.String(), "field="+field+"\n") }
	for range 10 {
		ask()
		clock.Advance(5 * time.Minute)
	}
	if lines("user.title") != 1 || lines("user.thumb") != 1 || lines("user.email") != 0 {
		t.Errorf("within an hour: %s", &log)
	}
	clock.Advance(10 * time.Minute)
	ask()
	if lines("user.title") != 2 {
		t.Errorf("after an hour: %s", &log)
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log has what was in the field: %s", &log)
	}
}
