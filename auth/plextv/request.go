// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// request is one question to plex.tv.
type request struct {
	op           string // what is being done, for error texts
	method, path string // {id} in path stands for id
	id           secret.String
	query        url.Values
	content      []byte // JSON, nil for no body
	identity     Identity
	authorized   bool            // whether to send token
	token        secret.String   // sent as X-Plex-Token
	hidden       []secret.String // what else is sent and must not be printed
	success      []int           // statuses that answer the question
	meanings     map[int]Kind    // of plex.tv's codes, where they say more than a 4xx status
	newPin       bool            // counts as a new PIN
	list         bool            // a success is a list, perhaps a long one
	longestPause time.Duration   // bounds what a Retry-After can ask for; 0: like all
}

// ask sends r once and lets read take the answer if it is a success. Its
// error is an [*Error], or ctx's if that has ended.
func (c *Client) ask(ctx context.Context, r request, read func(answer) error) error {
	start := c.clock.Now()
	if err := c.admit(ctx, r, start); err != nil {
		return err
	}
	a, err := c.exchange(ctx, r, read)
	c.learn(r, a, err)
	c.logRequest(ctx, r, a, c.clock.Since(start), err)
	return err
}

// kind tells apart the questions that plex.tv may limit separately.
func (r request) kind() string { return r.method + " " + r.path }

// admit returns the error of a question that is not asked: plex.tv wants a pause, or
// callers have asked too often.
func (c *Client) admit(ctx context.Context, r request, now time.Time) error {
	if left := c.limit.left(r.kind(), now); left > 0 {
		return r.notAsked("plex.tv wants a pause", left)
	}
	if wait := c.budget.take(r.newPin, IsBackground(ctx), now); wait > 0 {
		return r.notAsked("asked too often from this box", wait)
	}
	return nil
}

func (r request) notAsked(why string, left time.Duration) *Error {
	shown := (left + time.Second - 1).Truncate(time.Second)
	return &Error{Op: r.op, Kind: RateLimited, RetryAfter: left, Err: fmt.Errorf("not asked, %s: try again in %s", why, shown)}
}

// learn notes the time and the rate limit that an answer tells.
func (c *Client) learn(r request, a answer, err error) {
	if date, ok := a.date(); ok {
		c.onDate(date)
	}
	var failed *Error
	switch {
	case err == nil:
		if c.limit.answered(r.kind()) {
			c.onPause()
		}
	case errors.As(err, &failed) && (failed.Kind == RateLimited || failed.Kind == ServerError && failed.RetryAfter > 0):
		if r.longestPause > 0 {
			failed.RetryAfter = min(failed.RetryAfter, r.longestPause)
		}
		failed.RetryAfter = c.limit.limited(r.kind(), failed.RetryAfter, c.clock.Now())
		if failed.RetryAfter > worthKeeping {
			c.onPause()
		}
	}
}

// exchange sends r, reads the whole answer, whatever its status, and judges it.
func (c *Client) exchange(ctx context.Context, r request, read func(answer) error) (answer, error) {
	way := c.way.Load()
	if meant := r.identity.PlexURL; meant != "" && meant != way.base {
		return answer{}, &Error{Op: r.op, Kind: Unreachable, Err: errors.New("not sent: meant for another address of plex.tv")}
	}
	limited, cancel := context.WithTimeout(ctx, way.timeout)
	defer cancel()
	var answered atomic.Bool
	req, err := way.build(httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { answered.Store(true) },
	}), r)
	if err != nil {
		return answer{}, &Error{Op: r.op, Kind: Rejected, Err: err}
	}
	resp, err := way.http.Do(req)
	if err != nil {
		return answer{}, c.failure(ctx, r, err, answered.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header, now: serverTime(resp.Header, c.clock), odd: c.noteOdd}
	body := newContent(resp.Body, maxBody)
	if r.list && slices.Contains(r.success, a.status) {
		body.limit, body.left = maxList, maxList
		stream := bufio.NewReader(body)
		a.body, _ = stream.Peek(64)
		a.list = stream
		err = r.judge(a, read)
	} else {
		a.body, _ = io.ReadAll(body) // body remembers its error
	}
	switch problem := body.problem(); {
	case statusSaysAll(a.status):
	case errors.Is(body.err, errTooLarge):
		return a, &Error{Op: r.op, Kind: InvalidResponse, Status: a.status, Err: problem}
	case problem != nil:
		return a, c.failure(ctx, r, problem, true)
	}
	if a.list == nil {
		err = r.judge(a, read)
	}
	if err != nil && limited.Err() != nil && !statusSaysAll(a.status) {
		// Some servers end an answer properly, in its middle, when we hang
		// up: then the body says nothing.
		return a, c.failure(ctx, r, limited.Err(), true)
	}
	return a, err
}

// judge returns an error unless a is a success that read accepts.
func (r request) judge(a answer, read func(answer) error) error {
	if !slices.Contains(r.success, a.status) {
		return r.refusal(a)
	}
	if err := read(a); err != nil {
		return &Error{Op: r.op, Kind: InvalidResponse, Status: a.status, Err: err}
	}
	return nil
}

// build makes the HTTP request. It checks header values itself: net/http's
// own refusal would look like a failed connection, which is tried again.
func (w *way) build(ctx context.Context, r request) (*http.Request, error) {
	path := strings.Replace(r.path, "{id}", r.id.Reveal(), 1)
	var content io.Reader
	if r.content != nil {
		content = bytes.NewReader(r.content)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, w.base+path, content)
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	req.URL.RawQuery = r.query.Encode()
	headers := r.identity.Headers()
	headers["Accept-Encoding"] = "identity"
	if r.content != nil {
		headers["Content-Type"] = "application/json"
	}
	if r.authorized {
		headers["X-Plex-Token"] = r.token.Reveal()
	}
	for name, value := range headers {
		if value == "" || len(value) > maxToken || !legible.IsText(value) {
			return nil, fmt.Errorf("not sent: %s is empty, too long or has control characters", name)
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// unsent is the error for a request with values that cannot be sent.
func (r request) unsent(why string) *Error {
	return &Error{Op: r.op, Kind: Rejected, Err: errors.New("not sent: " + why)}
}

// clean makes text from plex.tv fit for an error: printable, on one line,
// short, and without the secrets of r should plex.tv echo them.
func (r request) clean(text string) string {
	for _, s := range append([]secret.String{r.token, r.id}, r.hidden...) {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), s.String())
		}
	}
	return printable(text)
}
