// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// limited is a client whose first question, about the user, got that answer.
func limited(t *testing.T, first, then http.HandlerFunc) (*server, *plextv.Client, *clockwork.FakeClock) {
	t.Helper()
	s := serve(t, inTurn(first, then))
	clock := clockwork.NewFakeClock()
	c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clock })
	if askUser(t.Context(), c) == nil {
		t.Fatal("the first question got a good answer")
	}
	return s, c, clock
}

func TestPauseIsKept(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"429": retryAfter(429, "60"), "503": retryAfter(503, "60")} {
		t.Run(name, func(t *testing.T) {
			s, c, clock := limited(t, answer, reply(200, jsonType, someUser))
			clock.Advance(18 * time.Second)
			e := failed(t, askUser(t.Context(), c), plextv.RateLimited)
			if e.RetryAfter != 42*time.Second || e.Status != 0 || !strings.Contains(e.Error(), "try again in 42s") {
				t.Errorf("%v, %s left, status %d", e, e.RetryAfter, e.Status)
			}
			clock.Advance(42*time.Second - 1)
			failed(t, askUser(t.Context(), c), plextv.RateLimited)
			failed(t, askUser(plextv.Background(t.Context()), c), plextv.RateLimited) // for all callers
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests within the pause", n)
			}
			clock.Advance(1)
			if err := askUser(t.Context(), c); err != nil {
				t.Errorf("after the pause: %v", err)
			}
		})
	}
}

func TestPauseIsForOneKindOfQuestion(t *testing.T) {
	for _, call := range calls() {
		_, c, _ := limited(t, retryAfter(429, "3600"), call.good)
		if call.name == "user" {
			failed(t, call.do(t.Context(), c), plextv.RateLimited)
		} else if err := call.do(t.Context(), c); err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
	}
}

// A pairing whose PIN lives a quarter of an hour must not miss the claim.
func TestPauseOfAPinIsShort(t *testing.T) {
	s := serve(t, retryAfter(429, "3600"))
	if e := failed(t, check(t.Context(), s.client(t)), plextv.RateLimited); e.RetryAfter > time.Minute {
		t.Errorf("%s", e.RetryAfter)
	}
}

func TestShortPauseIsNotWaitedForByOthers(t *testing.T) {
	s := serve(t, inTurn(retryAfter(429, "3"), reply(200, jsonType, newToken)))
	c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clockwork.NewFakeClock() })
	failed(t, exchange(t.Context(), c), plextv.RateLimited) // which is not tried again
	if e := failed(t, exchange(t.Context(), c), plextv.RateLimited); e.RetryAfter != 3*time.Second || len(s.requests()) != 1 {
		t.Errorf("%v after %d requests", e, len(s.requests()))
	}
}

func TestPausesGrowUntilAnAnswer(t *testing.T) {
	limited, fine := reply(429, "", ""), reply(200, jsonType, waiting)
	s := serve(t, inTurn(limited, limited, limited, limited, limited, fine, limited))
	clock := clockwork.NewFakeClock()
	c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clock })
	for i, middle := range []time.Duration{10, 20, 40, 60, 60, 0, 10} {
		err := check(t.Context(), c)
		if middle == 0 {
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		e := failed(t, err, plextv.RateLimited)
		if least := middle * time.Second * 8 / 10; e.RetryAfter < least || e.RetryAfter > least*3/2 {
			t.Errorf("pause %d is %s, want about %d s", i, e.RetryAfter, middle)
		}
		clock.Advance(e.RetryAfter)
	}
	if n := len(s.requests()); n != 7 {
		t.Errorf("%d requests, want 7", n)
	}
}

// Answers to questions that were asked together are one 429, and the longest
// pause of them counts.
func TestQuestionsTogether(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	hold := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-release
			answer(w, r)
		}
	}
	for name, test := range map[string]struct {
		answers     []http.HandlerFunc
		least, most time.Duration
	}{
		"not named":   {[]http.HandlerFunc{reply(429, "", ""), reply(429, "", "")}, 8 * time.Second, 12 * time.Second},
		"one named":   {[]http.HandlerFunc{reply(429, "", ""), retryAfter(429, "30")}, 30 * time.Second, 30 * time.Second},
		"short later": {[]http.HandlerFunc{retryAfter(429, "30"), retryAfter(429, "2")}, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, inTurn(hold(test.answers[0]), hold(test.answers[1]), reply(200, jsonType, waiting)))
			clock := clockwork.NewFakeClock()
			c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clock })
			done := make(chan error, 2)
			for range 2 {
				go func() { done <- check(context.Background(), c) }()
				<-arrived
			}
			for range 2 {
				release <- struct{}{}
				failed(t, outcome(t, done), plextv.RateLimited)
			}
			if left := failed(t, check(t.Context(), c), plextv.RateLimited).RetryAfter; left < test.least || left > test.most {
				t.Errorf("%s left, want %s to %s", left, test.least, test.most)
			}
		})
	}
}

func TestClockSetBackOpensTheGate(t *testing.T) {
	_, c, clock := limited(t, retryAfter(429, "60"), reply(200, jsonType, someUser))
	clock.Advance(-365 * 24 * time.Hour)
	// The certificate of the test server is good from 1970 on.
	if err := askUser(t.Context(), c); err != nil {
		t.Error(err)
	}
}
