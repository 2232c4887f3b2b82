// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// paced is a client of a server that always answers in that way, at the daemon's pace.
func paced(t *testing.T, body string) (*server, *plextv.Client, *clockwork.FakeClock) {
	s := serve(t, reply(200, jsonType, body))
	clock := clockwork.NewFakeClock()
	return s, s.client(t, func(cfg *plextv.Config) { cfg.Clock, cfg.Pace = clock, plextv.Polite() }), clock
}

// ask asks so often and returns how many questions were sent.
func (s *server) ask(ctx context.Context, c *plextv.Client, times int, do func(context.Context, *plextv.Client) error) int {
	before := len(s.requests())
	for range times {
		_ = do(ctx, c)
	}
	return len(s.requests()) - before
}

func TestCallersAreBounded(t *testing.T) {
	s, c, clock := paced(t, someUser)
	if n := s.ask(t.Context(), c, 50, askUser); n != 10 {
		t.Errorf("%d questions at once, want 10", n)
	}
	e := failed(t, askUser(t.Context(), c), plextv.RateLimited)
	if e.RetryAfter != time.Second || e.Status != 0 || !strings.HasSuffix(e.Error(), "try again in 1s") {
		t.Errorf("%v, %s left", e, e.RetryAfter)
	}
	asked := 0
	for range 600 { // a minute
		clock.Advance(100 * time.Millisecond)
		asked += s.ask(t.Context(), c, 3, askUser)
	}
	if asked != 60 {
		t.Errorf("%d questions in a minute of ten times three a second, want 60", asked)
	}
	clock.Advance(time.Hour)
	if n := s.ask(t.Context(), c, 50, askUser); n != 10 {
		t.Errorf("%d questions after a rest, want 10", n)
	}
}

func TestNewPinsAreRare(t *testing.T) {
	s, c, clock := paced(t, waiting)
	if n := s.ask(t.Context(), c, 8, requestPin); n != 4 {
		t.Errorf("%d new PINs at once, want 4", n)
	}
	if e := failed(t, requestPin(t.Context(), c), plextv.RateLimited); e.RetryAfter != 15*time.Second {
		t.Errorf("%s left, want 15 s", e.RetryAfter)
	}
	if err := check(t.Context(), c); err != nil {
		t.Errorf("checking a PIN: %v", err)
	}
	clock.Advance(30 * time.Second)
	if n := s.ask(t.Context(), c, 8, requestPin); n != 2 {
		t.Errorf("%d new PINs after 30 s, want 2", n)
	}
}

func TestBackgroundIsNotStarved(t *testing.T) {
	s, c, clock := paced(t, someUser)
	s.ask(t.Context(), c, 50, askUser)
	if n := s.ask(plextv.Background(t.Context()), c, 50, askUser); n != 50 {
		t.Errorf("%d questions of the background, want 50", n)
	}
	if e := failed(t, askUser(t.Context(), c), plextv.RateLimited); e.RetryAfter > time.Second {
		t.Errorf("the background puts callers off for %s", e.RetryAfter)
	}
	for range 5 { // a pairing is asked about, and somebody calls
		clock.Advance(time.Second)
		s.ask(plextv.Background(t.Context()), c, 1, askUser)
		if err := askUser(t.Context(), c); err != nil {
			t.Errorf("a caller a second later: %v", err)
		}
	}
}

func TestPaceOnAClockThatIsSet(t *testing.T) {
	s, c, clock := paced(t, someUser)
	s.ask(t.Context(), c, 10, askUser)
	clock.Advance(-365 * 24 * time.Hour)
	if n := s.ask(t.Context(), c, 10, askUser); n != 0 {
		t.Errorf("%d questions more because the clock was set back", n)
	}
	clock.Advance(time.Second)
	if n := s.ask(t.Context(), c, 10, askUser); n != 1 {
		t.Errorf("%d questions a second later, want 1", n)
	}
}
