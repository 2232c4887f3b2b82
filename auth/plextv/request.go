package plextv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// request is one question to plex.tv.
type request struct {
	op           string // what is being done, for error texts
	method, path string // {id} in path stands for pinID
	query        string
	identity     Identity
	authorized   bool          // whether to send token
	token        secret.String // sent as X-Plex-Token
	pinID        secret.String
	success      []int // statuses that answer the question
}

// ask sends r once and lets read take the answer if it is a success. Its
// error is an [*Error], or ctx's if that has ended.
func (c *Client) ask(ctx context.Context, r request, read func(answer) error) error {
	start := c.clock.Now()
	a, err := c.exchange(ctx, r)
	if err == nil && !slices.Contains(r.success, a.status) {
		err = r.refusal(a)
	} else if err == nil {
		if readErr := read(a); readErr != nil {
			err = &Error{Op: r.op, Kind: InvalidResponse, Status: a.status, Err: readErr}
		}
	}
	if err != nil && a.late != nil {
		// Some servers end an answer properly, in its middle, when we hang
		// up: then the body says nothing.
		err = c.failure(ctx, r, a.late, true)
	}
	c.logRequest(ctx, r, a, c.clock.Since(start), err)
	return err
}

// exchange sends r and reads the whole answer, whatever its status.
func (c *Client) exchange(ctx context.Context, r request) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var answered atomic.Bool
	req, err := c.build(httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { answered.Store(true) },
	}), r)
	if err != nil {
		return answer{}, &Error{Op: r.op, Kind: Rejected, Err: err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.failure(ctx, r, err, answered.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header, now: serverTime(resp.Header, c.clock)}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if statusSaysAll(a.status) {
		return a, nil
	}
	if err != nil {
		return a, c.failure(ctx, r, err, true)
	}
	if len(a.body) > maxBody {
		err := errors.New("the answer is larger than 1 MiB")
		return a, &Error{Op: r.op, Kind: InvalidResponse, Status: a.status, Err: err}
	}
	a.late = limited.Err()
	return a, nil
}

// build makes the HTTP request. It checks header values itself: net/http's
// own refusal would look like a failed connection, which is tried again.
func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	path := strings.Replace(r.path, "{id}", r.pinID.Reveal(), 1)
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+path, nil)
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	req.URL.RawQuery = r.query
	headers := r.identity.Headers()
	if r.authorized {
		headers["X-Plex-Token"] = r.token.Reveal()
	}
	for name, value := range headers {
		if value == "" || len(value) > maxToken || strings.ContainsFunc(value, isControl) {
			return nil, fmt.Errorf("not sent: %s is empty, too long or has control characters", name)
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// clean makes text from plex.tv fit for an error: printable, on one line,
// short, and without the secrets of r should plex.tv echo them.
func (r request) clean(text string) string {
	for _, s := range []secret.String{r.token, r.pinID} {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), s.String())
		}
	}
	return printable(text)
}
