// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/servertime"
)

// Secrets that the questions have in them.
const (
	sentToken = "sent-token-of-the-box"
	sentPin   = "sent-id-of-the-pin"
	sentJWT   = "c2VudA.ZGV2aWNl.SldU"
	sentUUID  = "sent-uuid-of-the-user"
)

// FuzzAnswers gives any answer to each of the client's questions, through all of
// net/http: status, header as it is written, and body. It may throw back what was
// sent.
func FuzzAnswers(f *testing.F) {
	// Endpoint, Redirect, CloseIdleConnections and three about pauses ask nothing;
	// RequestPin and CheckPin are tried with a device key and without.
	if all := reflect.TypeFor[*Client]().NumMethod() - 6 + 2; all != len(questions) {
		f.Fatalf("of %d ways to ask %d are tried", all, len(questions))
	}
	for which, bodies := range goodAnswers {
		for _, body := range bodies {
			f.Add(byte(which), uint16(200), jsonHead, []byte(body))
		}
	}
	for which := range questions {
		for _, seed := range badAnswers {
			f.Add(byte(which), seed.status, seed.head, []byte(seed.body))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, number uint16, head string, body []byte) {
		status := int(number % 1000)
		q := questions[int(which)%len(questions)]
		thrownBack := q.thrownBack()
		head, body = thrownBack.Replace(head), []byte(thrownBack.Replace(string(body)))
		var log bytes.Buffer
		c := newFuzzed(t, fmt.Sprintf("HTTP/1.1 %03d x\r\n%s\r\n\r\n%s", status, head, body), &log)
		if err := q.ask(t, c); err != nil {
			checkError(t, err, status, head, body)
		}
		hidesAll(t, log.String())
	})
}

// newFuzzed returns a client that hears that answer to whatever it asks, on
// connections that are real for net/http, and does not wait between its tries.
func newFuzzed(t *testing.T, answer string, log io.Writer) *Client {
	clock := impatientClock{clockwork.NewFakeClockAt(time.Unix(1_768_478_400, 0))}
	c, err := New(Config{
		BaseURL: "http://localhost", Clock: clock,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnDate: func(date time.Time) {
			plexTime := servertime.New(clock, nil)
			plexTime.Learn(date)
			if now := plexTime.Now(); !now.Equal(date) || now.Year() < 0 || now.Year() > 9999 {
				t.Errorf("at plex.tv's %s it is %s", date, now)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	transport := c.way.Load().http.Transport.(*http.Transport)
	transport.DisableKeepAlives = true
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return &oneAnswer{answer: strings.NewReader(answer), asked: make(chan struct{})}, nil
	}
	return c
}

// impatientClock makes nothing of the pauses between tries.
type impatientClock struct{ *clockwork.FakeClock }

func (c impatientClock) NewTimer(time.Duration) clockwork.Timer { return c.FakeClock.NewTimer(0) }

// oneAnswer is a connection to somebody who answers the first bytes of whatever
// question and hangs up.
type oneAnswer struct {
	net.Conn // nil: a deadline is all that net/http could want of it besides
	answer   io.Reader
	once     sync.Once
	asked    chan struct{}
}

func (c *oneAnswer) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.asked) })
	return len(p), nil
}

func (c *oneAnswer) Read(p []byte) (int, error) {
	<-c.asked
	return c.answer.Read(p)
}

func (c *oneAnswer) Close() error {
	c.once.Do(func() { close(c.asked) })
	return nil
}

// checkError wants one of the kinds of error that callers know, in text that
// may be shown and logged.
func checkError(t *testing.T, err error, status int, head string, body []byte) {
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	text := err.Error()
	if e.Kind < Unreachable || e.Kind > PinRejected || e.RetryAfter < 0 || e.RetryAfter > longestRetryAfter {
		t.Errorf("%+v", e)
	}
	if !utf8.ValidString(text) || len(text) > 1000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("unfit to be shown: %q", text)
	}
	hidesAll(t, text)
	switch e.Kind {
	case RateLimited:
		// The second try has not been made: the first one started a pause.
		if e.RetryAfter == 0 || e.Status != 429 && e.Status != 0 {
			t.Errorf("%+v", e)
		}
	case InvalidResponse, Unreachable:
		if answer := head + string(body); !mentionsErrors(answer) {
			quotesNothing(t, text, answer)
		}
	case Refused:
		// It signs a household out: plex.tv itself must have said so.
		if e.Status != 401 && e.Status != 422 || isWhole(head) && len(body) > 0 && !mentionsErrors(string(body)) {
			t.Errorf("%+v for %q", e, body)
		}
	case Forbidden, Gone, Rejected, Stale:
		if e.Status < 400 || e.Status >= 500 || e.Status == 401 || e.Status == 429 {
			t.Errorf("%+v", e)
		}
	}
	if e.Status != 0 && status >= 200 && e.Status != status { // below, another answer may follow
		t.Errorf("status %d, not %d", e.Status, status)
	}
}

// isWhole tells that the body is all that follows head, as it is.
func isWhole(head string) bool {
	name := strings.ToLower(head)
	return !strings.Contains(head, "\n") && !strings.Contains(name, "length") && !strings.Contains(name, "transfer")
}

// mentionsErrors looks for what plex.tv's own errors have, in JSON and XML. Their
// messages may be quoted.
func mentionsErrors(answer string) bool {
	text := strings.ToLower(answer)
	return strings.Contains(text, "error") || strings.Contains(text, `\u`) || strings.Contains(text, "ſ")
}

func hidesAll(t *testing.T, text string) {
	for _, hidden := range []string{sentToken, sentPin, sentJWT, sentUUID} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q shows %q", text, hidden)
		}
	}
}

// quotesNothing fails if text repeats a part of what was answered.
func quotesNothing(t *testing.T, text, answered string) {
	for i := 0; i+12 <= len(answered); i++ {
		if part := answered[i : i+12]; strings.Contains(text, part) {
			t.Fatalf("%q quotes %q", text, part)
		}
	}
}
