// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Request is a request that the simulator received.
type Request struct {
	Endpoint Endpoint // [Any] for a path that is not served
	Method   string
	Path     string // as sent
	Query    url.Values
	Header   http.Header
	Body     []byte    // its first MiB
	At       time.Time // when it arrived, by the simulator's clock
	Status   int       // what it was answered; 0 before that and after a reset
}

// keptRequests bounds what is remembered of a client that polls for days.
const keptRequests = 10_000

// Requests returns what was received so far, oldest first: at least the last
// 5,000 requests. They hold tokens in clear text.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, 0, len(s.requests))
	for _, r := range s.requests {
		requests = append(requests, *r)
	}
	return requests
}

// jwtPattern finds JWTs in a body.
var jwtPattern = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// Secrets returns the tokens, JWTs and PIN ids that the requests so far had: what a
// client must tell nobody else. Some come more than once.
func (s *Sim) Secrets() (secrets []string) {
	for _, r := range s.Requests() {
		secrets = append(secrets, strings.TrimSpace(r.Header.Get("X-Plex-Token")), r.Query.Get("deviceJWT"))
		secrets = append(secrets, jwtPattern.FindAllString(string(r.Body), -1)...)
		if r.Endpoint == CheckPin {
			secrets = append(secrets, path.Base(r.Path))
		}
	}
	return slices.DeleteFunc(secrets, func(text string) bool { return text == "" })
}

// Count returns how many requests for the endpoint have arrived since the simulator
// was made; [Any] counts all.
func (s *Sim) Count(endpoint Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived[endpoint]
}

// Await returns when n requests for the endpoint have arrived since the simulator
// was made, whether they were answered or not; [Any] counts all. It returns an
// error when ctx ends first.
func (s *Sim) Await(ctx context.Context, n int, endpoint Endpoint) error {
	return s.await(ctx, n, endpoint, s.arrived)
}

// AwaitAnswers is [Sim.Await] for requests that have been dealt with: answered,
// reset, or given up by the client. What is done to the simulator then cannot
// change those answers any more.
func (s *Sim) AwaitAnswers(ctx context.Context, n int, endpoint Endpoint) error {
	return s.await(ctx, n, endpoint, s.answered)
}

func (s *Sim) await(ctx context.Context, n int, endpoint Endpoint, counts map[Endpoint]int) error {
	for {
		s.mu.Lock()
		count, counted := counts[endpoint], s.counted
		s.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-counted:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d requests to %q, %d seen: %w", n, endpoint, count, ctx.Err())
		}
	}
}

// record notes that a request has arrived.
func (s *Sim) record(x *exchange) *Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Request{
		Endpoint: x.endpoint,
		Method:   x.request.Method,
		Path:     x.request.URL.Path,
		Query:    x.query,
		Header:   x.request.Header.Clone(),
		Body:     x.body,
		At:       s.clock.Now(),
	}
	if len(s.requests) >= keptRequests {
		s.requests = slices.Clone(s.requests[keptRequests/2:])
	}
	s.requests = append(s.requests, r)
	s.count(s.arrived, x.endpoint)
	return r
}

func (s *Sim) recordStatus(r *Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Status = status
}

func (s *Sim) recordAnswered(endpoint Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(s.answered, endpoint)
}

// count adds a request and wakes everybody who waits; the simulator is locked.
func (s *Sim) count(counts map[Endpoint]int, endpoint Endpoint) {
	counts[Any]++
	if endpoint != Any {
		counts[endpoint]++
	}
	close(s.counted)
	s.counted = make(chan struct{})
}
