package auth

import (
	"context"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// A home PIN has 4 digits. After freePins wrong ones each further one costs a
// pause, which doubles up to longestPinPause. Only pinsForgottenAfter without a
// wrong one begins the count anew: a right PIN does not, because somebody who
// knows one could guess another's between two of it.
const (
	freePins           = 3
	firstPinPause      = 30 * time.Second
	longestPinPause    = 15 * time.Minute
	pinsForgottenAfter = time.Hour
)

// pinPause is the pause after so many wrong PINs.
func pinPause(wrong uint64) time.Duration {
	if wrong < freePins {
		return 0
	}
	return min(longestPinPause, firstPinPause<<min(wrong-freePins, 10))
}

// countTry counts a PIN as wrong before plex.tv is asked, so that pulling the
// plug is no way around the count, and gives what to put back if it is not. It
// fails with [RateLimited] while the pause lasts.
func (a *Account) countTry(ctx context.Context, pin secret.String) (before *statefile.HomePin, err error) {
	err = a.change(ctx, func(next *record, _ *Event) error {
		if before = next.HomePin; pin.IsZero() {
			return nil
		}
		now := a.time.Now()
		var tries statefile.HomePin
		if before != nil && now.Sub(before.RetryAt) < pinsForgottenAfter {
			tries = *before
		}
		// The pause is the longest there can be: plex.tv's clock may jump too.
		if left := min(tries.RetryAt.Sub(now), pinPause(tries.Wrong)); left > 0 {
			return errorf(RateLimited, "too many wrong PINs: try again in %s", (left + time.Second - 1).Truncate(time.Second))
		}
		tries.Wrong++
		tries.RetryAt = now.Add(pinPause(tries.Wrong))
		next.HomePin = &tries
		return nil
	})
	return before, err
}

// uncountTry puts back what was before a PIN that plex.tv has not said is wrong.
func (a *Account) uncountTry(before *statefile.HomePin) {
	_ = a.accept(a.life, func(next *record, _ *Event) error {
		next.HomePin = before
		return nil
	})
}
