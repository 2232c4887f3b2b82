// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// limited is a client whose first question got a 429.
func limited(t *testing.T, named string, then http.HandlerFunc) (*server, *plextv.Client, *clockwork.FakeClock) {
	t.Helper()
	s := serve(t, inTurn(retryAfter(429, named), then))
	clock := clockwork.NewFakeClock()
	c := s.client(t, func(cfg *plextv.Config) { cfg.Clock = clock })
	failed(t, check(t.Context(), c), plextv.RateLimited)
	return s, c, clock
}

func TestAfter429NothingIsAsked(t *testing.T) {
	s, c, clock := limited(t, "60", reply(200, jsonType, someUser))
	clock.Advance(18 * time.Second)
	for _, call := range calls() {
		e := failed(t, call.do(t.Context(), c), plextv.RateLimited)
		if e.RetryAfter != 42*time.Second || e.Status != 0 {
			t.Errorf("%s: %v, %s left, status %d", call.name, e, e.RetryAfter, e.Status)
		}
	}
	clock.Advance(42*time.Second - 1)
	failed(t, askUser(t.Context(), c), plextv.RateLimited)
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests within the pause", n)
	}
	clock.Advance(1)
	if err := askUser(t.Context(), c); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestShortPauseIsNotWaitedForByOthers(t *testing.T) {
	s, c, _ := limited(t, "3", reply(200, jsonType, someUser))
	if e := failed(t, askUser(t.Context(), c), plextv.RateLimited); e.RetryAfter != 3*time.Second || len(s.requests()) != 1 {
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
	_, c, clock := limited(t, "60", reply(200, jsonType, someUser))
	clock.Advance(-365 * 24 * time.Hour)
	// The certificate of the test server is good from 1970 on.
	if err := askUser(t.Context(), c); err != nil {
		t.Error(err)
	}
}
