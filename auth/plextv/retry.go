// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxTries = 3
	// longestPause is how long a caller is kept waiting because plex.tv asks
	// for it; beyond that the caller decides.
	longestPause = 5 * time.Second
)

// retry asks up to 3 times while trying again can help.
func (c *Client) retry(ctx context.Context, r request, read func(answer) error) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond, Multiplier: 2,
		RandomizationFactor: 0.5, MaxInterval: longestPause,
	}
	var last error
	for try := 1; ; try++ {
		err := c.ask(ctx, r, read)
		var failed *Error
		if last != nil && errors.As(err, &failed) && failed.Kind == RateLimited && failed.Status == 0 {
			return last // why it is tried again says more than that it is not
		}
		last = err
		if !errors.As(err, &failed) || !failed.worthRetrying() || try == maxTries {
			return err
		}
		pause := failed.RetryAfter
		if pause == 0 {
			pause = pauses.NextBackOff()
		}
		if err := c.wait(ctx, r.op, pause); err != nil {
			return err
		}
	}
}

// worthRetrying is false for what was not asked because of another call's 429:
// all who are kept waiting would ask at the same moment.
func (e *Error) worthRetrying() bool {
	switch e.Kind {
	case Unreachable, ServerError:
		return e.RetryAfter <= longestPause
	case RateLimited:
		return e.Status != 0 && e.RetryAfter <= longestPause
	}
	return false
}

func (c *Client) wait(ctx context.Context, op string, pause time.Duration) error {
	timer := c.clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
}
