// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// slowly runs do on a client whose clock the test moves.
func slowly(t *testing.T, s *server, do func(context.Context, *plextv.Client) error) (*clockwork.FakeClock, chan error) {
	t.Helper()
	clock := clockwork.NewFakeClock()
	c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clock })
	done := make(chan error, 1)
	go func() { done <- do(t.Context(), c) }()
	return clock, done
}

// pausing waits until the client waits on the clock.
func pausing(t *testing.T, clock *clockwork.FakeClock) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := clock.BlockUntilContext(ctx, 1); err != nil {
		t.Fatal("the client does not pause")
	}
}

// outcome is what do returned.
func outcome(t *testing.T, done chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the call does not end")
		return nil
	}
}

func requestPin(ctx context.Context, c *plextv.Client) error {
	_, err := c.RequestPin(ctx, plextv.Identity{}, nil, false)
	return err
}

func retryAfter(status int, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value)
		w.WriteHeader(status)
	}
}

func TestTransientFailuresAreTriedAgain(t *testing.T) {
	for _, call := range calls() {
		t.Run(call.name, func(t *testing.T) {
			s := serve(t, inTurn(rawly("", true), reply(503, "", ""), call.good))
			clock, done := slowly(t, s, call.do)
			if !call.retried {
				failed(t, outcome(t, done), plextv.Unreachable)
				if n := len(s.requests()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
				return
			}
			// Half to one and a half times 500 ms, then twice that.
			for try, unit := range []time.Duration{500 * time.Millisecond, time.Second} {
				pausing(t, clock)
				clock.Advance(unit/2 - 2)
				pausing(t, clock)
				if n := len(s.requests()); n != try+1 {
					t.Fatalf("%d requests after the shortest pause, want %d", n, try+1)
				}
				clock.Advance(unit + 4)
			}
			if err := outcome(t, done); err != nil {
				t.Error(err)
			}
			if n := len(s.requests()); n != 3 || s.bodies[2] != call.body {
				t.Errorf("%d requests, want 3, the last with %q", n, call.body)
			}
		})
	}
}

func TestThirdFailureIsTheLast(t *testing.T) {
	s := serve(t, inTurn(reply(500, "", ""), retryAfter(429, "1"), reply(502, "", "")))
	clock, done := slowly(t, s, askUser)
	for range 2 {
		pausing(t, clock)
		clock.Advance(time.Minute)
	}
	if e := failed(t, outcome(t, done), plextv.ServerError); e.Status != 502 || len(s.requests()) != 3 {
		t.Errorf("%v after %d requests", e, len(s.requests()))
	}
}

func TestShortRetryAfterIsHonoured(t *testing.T) {
	s := serve(t, inTurn(retryAfter(429, "5"), retryAfter(503, "3"), reply(200, jsonType, someUser)))
	clock, done := slowly(t, s, askUser)
	for try, pause := range []time.Duration{5 * time.Second, 3 * time.Second} {
		pausing(t, clock)
		clock.Advance(pause - 1)
		pausing(t, clock)
		if n := len(s.requests()); n != try+1 {
			t.Fatalf("%d requests within the pause, want %d", n, try+1)
		}
		clock.Advance(1)
	}
	if err := outcome(t, done); err != nil {
		t.Error(err)
	}
}

func TestLongRetryAfterIsTheCallersToWait(t *testing.T) {
	s := serve(t, retryAfter(429, "6"))
	_, done := slowly(t, s, askUser)
	if e := failed(t, outcome(t, done), plextv.RateLimited); e.RetryAfter != 6*time.Second || len(s.requests()) != 1 {
		t.Errorf("%v, %s, %d requests", e, e.RetryAfter, len(s.requests()))
	}
}

func TestOthersAreTriedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		do     func(context.Context, *plextv.Client) error
		answer http.HandlerFunc
		kind   plextv.Kind
	}{
		"refused":   {askUser, reply(401, jsonType, badToken), plextv.Refused},
		"forbidden": {askUser, reply(403, "", ""), plextv.Forbidden},
		"gone":      {askUser, reply(404, "", ""), plextv.Gone},
		"rejected":  {requestPin, reply(400, "", ""), plextv.Rejected},
		"invalid":   {requestPin, reply(201, jsonType, "{"), plextv.InvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			_, done := slowly(t, s, test.do)
			failed(t, outcome(t, done), test.kind)
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestCancelEndsThePause(t *testing.T) {
	s := serve(t, reply(503, "", ""))
	ctx, cancel := context.WithCancel(t.Context())
	clock, done := slowly(t, s, func(_ context.Context, c *plextv.Client) error { return askUser(ctx, c) })
	pausing(t, clock)
	cancel()
	if err := outcome(t, done); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
