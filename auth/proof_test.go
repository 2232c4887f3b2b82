// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
)

// plex.tv refuses a proof from the future and need not tell the time with that.
func TestAPairingGoesOnAfterARestartWithAWrongClock(t *testing.T) {
	var plexClock *clockwork.FakeClock
	b := newBox(t, func(s *setup) {
		plexClock = clockwork.NewFakeClockAt(time.Now().Add(-time.Hour)) // the box is ahead
		s.sim.Clock, s.sim.BareErrors, s.auth.Settings.Mode = plexClock, true, auth.ModeJWT
	})
	p := b.pair(auth.PinOptions{})
	b.idle()
	b.restart(0)
	b.must(b.sim.Claim(p.Code, ""))
	b.tick(interval)
	equal(t, "result", b.await(ended).PinEnd.Result, auth.PinClaimed)
}
