package auth

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// A home PIN has 4 digits. After freePins wrong ones each further one costs a
// pause, which doubles up to longestPinPause. Only an hour without a wrong one
// resets the count: a right PIN does not, because somebody who knows one PIN
// could guess at another between right ones.
const (
	freePins        = 3
	firstPinPause   = 30 * time.Second
	longestPinPause = 15 * time.Minute
	pinsResetAfter  = time.Hour
)

// countWrongPin counts one more wrong PIN. It fails with [RateLimited] while the
// pause lasts.
func countWrongPin(before *statefile.HomePin, now time.Time) (*statefile.HomePin, error) {
	var count statefile.HomePin
	if before != nil && now.Sub(before.RetryAt) < pinsResetAfter {
		count = *before
	}
	// No pause is longer than its limit, even if plex.tv's clock jumps.
	if left := min(count.RetryAt.Sub(now), pinPause(count.Wrong)); left > 0 {
		return nil, errorf(RateLimited, "too many wrong PINs: try again in %s", (left + time.Second - 1).Truncate(time.Second))
	}
	count.Wrong++
	count.RetryAt = now.Add(pinPause(count.Wrong))
	return &count, nil
}

// pinPause is the pause after that many wrong PINs.
func pinPause(wrong uint64) time.Duration {
	if wrong < freePins {
		return 0
	}
	return min(longestPinPause, firstPinPause<<min(wrong-freePins, 10))
}
