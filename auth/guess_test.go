// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// Three wrong PINs cost a pause. Whoever guesses at a PIN may hold the group, and
// with it the credentials: nothing that can be done with them lifts the pause.
func TestNothingButTimeLiftsThePauseAfterWrongPins(t *testing.T) {
	for name, try := range map[string]func(*household){
		"storing what is held": func(h *household) {
			held := h.account.Snapshot().Credentials
			h.must(h.account.Store(h.soon(), *held))
		},
		"storing the token alone": func(h *household) {
			h.must(h.account.Store(h.soon(), auth.Credentials{Token: secret.New(h.token())}))
		},
		"clearing and storing": func(h *household) {
			held := h.account.Snapshot().Credentials
			h.must(h.account.Clear(h.soon()))
			h.must(h.account.Store(h.soon(), *held))
		},
		"signing in again": func(h *household) { h.claimed(auth.PinOptions{}) },
		"signing out and in": func(h *household) {
			_, err := h.account.SignOut(h.soon())
			h.must(err)
			h.claimed(auth.PinOptions{})
		},
		"switching to somebody without a PIN": func(h *household) { h.must(h.switchTo(h.guest, "")) },
		"a restart":                           func(h *household) { h.restart(0) },
		"a reload":                            func(h *household) { h.must(h.account.Configure(h.soon(), h.options.Settings)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			for range 3 {
				wantCode(t, "wrong PIN", h.switchTo(h.child, "9999"), auth.PinRejected)
			}
			try(h)
			wantCode(t, "right PIN, too soon", h.switchTo(h.child, childPin), auth.RateLimited)
			h.clock.Advance(30 * time.Second)
			h.must(h.switchTo(h.child, childPin))
		})
	}
}

// A clock that was years ahead wrote the end of the pause, and is right now.
func TestAPauseAfterWrongPinsIsNeverLongerThanItsLimit(t *testing.T) {
	h := newHousehold(t)
	for range 3 {
		wantCode(t, "wrong PIN", h.switchTo(h.child, "9999"), auth.PinRejected)
	}
	state := h.disk()
	h.close()
	state.HomePin = &statefile.HomePin{Wrong: state.HomePin.Wrong, RetryAt: h.clock.Now().AddDate(2, 0, 0)}
	h.options.Store = statefile.Open(h.path, h.clock)
	h.must(h.options.Store.Save(state))
	h.open()
	wantCode(t, "too soon", h.switchTo(h.child, childPin), auth.RateLimited)
	h.clock.Advance(29 * time.Second)
	wantCode(t, "still too soon", h.switchTo(h.child, childPin), auth.RateLimited)
	h.clock.Advance(2 * time.Second)
	h.must(h.switchTo(h.child, childPin))
}
