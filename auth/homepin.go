package auth

import (
	"context"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// A home PIN has 4 digits. After freePins wrong ones in a row each further one
// costs a pause, which doubles up to longestPinPause.
const (
	freePins        = 3
	firstPinPause   = 30 * time.Second
	longestPinPause = 15 * time.Minute
)

// pinPause is the pause after so many wrong PINs.
func pinPause(wrong uint64) time.Duration {
	if wrong < freePins {
		return 0
	}
	return min(longestPinPause, firstPinPause<<min(wrong-freePins, 10))
}

// countTry counts a PIN as wrong before plex.tv is asked, so that pulling the
// plug is no way around the count; forget takes it back if plex.tv has not said
// that it is. It fails with [RateLimited] while the pause lasts.
func (a *Account) countTry(ctx context.Context, pin secret.String) (forget func(), err error) {
	if pin.IsZero() {
		return func() {}, nil
	}
	var before *statefile.HomePin
	err = a.change(ctx, func(next *record, _ *Event) error {
		before = next.HomePin
		tries := statefile.HomePin{}
		if before != nil {
			tries = *before
		}
		now := a.time.Now()
		// The pause is the longest there can be: plex.tv's clock may jump too.
		if left := min(tries.RetryAt.Sub(now), pinPause(tries.Wrong)); left > 0 {
			return errorf(RateLimited, "too many wrong PINs: try again in %s", (left + time.Second - 1).Truncate(time.Second))
		}
		tries.Wrong++
		tries.RetryAt = now.Add(pinPause(tries.Wrong))
		next.HomePin = &tries
		return nil
	})
	forget = func() {
		_ = a.accept(a.life, func(next *record, _ *Event) error {
			next.HomePin = before
			return nil
		})
	}
	return forget, err
}
