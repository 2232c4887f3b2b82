// SPDX-License-Identifier: Apache-2.0

package timelimit_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/timelimit"
)

func TestWhyALimitedContextEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(clock *clockwork.FakeClock, parent, own context.CancelFunc)
		want error
	}{
		"time":     {func(clock *clockwork.FakeClock, _, _ context.CancelFunc) { clock.Advance(time.Minute) }, context.DeadlineExceeded},
		"parent":   {func(_ *clockwork.FakeClock, parent, _ context.CancelFunc) { parent() }, context.Canceled},
		"released": {func(_ *clockwork.FakeClock, _, own context.CancelFunc) { own() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClock()
			parent, cancel := context.WithCancel(t.Context())
			defer cancel()
			ctx, release := timelimit.With(parent, clock, time.Minute)
			defer release()
			derived, done := context.WithCancel(ctx)
			defer done()
			clock.Advance(time.Minute - 1)
			if ctx.Err() != nil || derived.Err() != nil {
				t.Fatalf("ended early: %v, %v", ctx.Err(), derived.Err())
			}
			c.end(clock, cancel, release)
			<-derived.Done()
			if ctx.Err() != c.want || derived.Err() != c.want {
				t.Errorf("ended with %v, and what is made from it with %v, want %v", ctx.Err(), derived.Err(), c.want)
			}
		})
	}
}

func TestTheRealClock(t *testing.T) {
	ctx, release := timelimit.With(t.Context(), clockwork.NewRealClock(), time.Hour)
	defer release()
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > time.Hour {
		t.Errorf("deadline %v, %v", at, ok)
	}
}
