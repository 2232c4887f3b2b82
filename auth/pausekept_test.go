// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// A box whose clock starts in the past after each power cut keeps the pause once, not
// after every start.
func TestAPauseIsForgottenOnceItIsOver(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: 429, RetryAfter: "3600", Times: 1})
	_, err := b.account.Validate(b.soon())
	wantCode(t, "Validate", err, auth.RateLimited)
	b.await(func(auth.Event) bool { return b.disk().Pauses != nil })
	b.restart(time.Hour)
	b.validate(true)
	b.await(func(auth.Event) bool { return b.disk().Pauses == nil })
}
