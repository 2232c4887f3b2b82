// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const clientID = "4f0c2c0e-6f0b-4c9e-9d4e-1d8f0c1b2a3d"

// start is a whole number of seconds, so that what is printed can be compared.
var start = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// box is a client of a simulator that it reaches over HTTPS.
type box struct {
	*testing.T
	sim    *plextvsim.Sim
	clock  *clockwork.FakeClock
	server *plextvsim.Server
	http   *http.Client
}

func newBox(t *testing.T, options plextvsim.Options) *box {
	t.Helper()
	clock := clockwork.NewFakeClockAt(start)
	options.Clock = clock
	sim := plextvsim.New(options)
	server := sim.StartTLS()
	t.Cleanup(server.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CAPool()}}
	t.Cleanup(transport.CloseIdleConnections)
	return &box{t, sim, clock, server, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// try sends a request with the client's identifier and wants JSON, unless header
// (name, value, …) says otherwise; the value "-" leaves a header out.
func (b *box) try(method, target, body string, header ...string) (answer, error) {
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+target, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Plex-Client-Identifier", clientID)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "-" {
			r.Header.Del(header[i])
		}
	}
	response, err := b.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, errors.Join(err, response.Body.Close())
}

func (b *box) send(method, target, body string, header ...string) answer {
	b.Helper()
	a, err := b.try(method, target, body, header...)
	if err != nil {
		b.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// as gives the headers of somebody who holds the token.
func as(token string) []string { return []string{"X-Plex-Token", token} }

// requestPin requests a PIN and returns the path to check it, and its code.
func (b *box) requestPin(query string) (path, code string) {
	b.Helper()
	a := b.send("POST", "/api/v2/pins"+query, "")
	if a.status != http.StatusCreated {
		b.Fatalf("POST pins: status %d, %s", a.status, a.body)
	}
	return "/api/v2/pins/" + between(b, a.body, `"id":`, `,`), between(b, a.body, `"code":"`, `"`)
}

// tokenOf checks the PIN and returns the token in the answer, "" if it has none.
func (b *box) tokenOf(path string) string {
	b.Helper()
	a := b.send("GET", path, "")
	if a.status != http.StatusOK || strings.Contains(a.body, `"authToken":null`) {
		return ""
	}
	return between(b, a.body, `"authToken":"`, `"`)
}

func between(t testing.TB, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	inner, _, closed := strings.Cut(rest, after)
	if !found || !closed {
		t.Errorf("no %s…%s in %s", before, after, text)
	}
	return inner
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func form(name, value string) string { return url.Values{name: {value}}.Encode() }

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
