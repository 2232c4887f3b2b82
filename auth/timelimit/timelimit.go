// SPDX-License-Identifier: Apache-2.0

// Package timelimit bounds operations by a clock that tests can replace.
package timelimit

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

// With is [context.WithTimeout] by clock's time. clockwork has the same, but it
// links its fake clock into the program.
func With(parent context.Context, clock clockwork.Clock, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, movable := clock.(interface{ Advance(time.Duration) }); !movable {
		return context.WithTimeout(parent, limit)
	}
	ctx, cancel := context.WithCancelCause(parent)
	l := limited{ctx, make(chan struct{})}
	timer := clock.NewTimer(limit)
	go func() {
		defer close(l.done)
		select {
		case <-timer.Chan():
			cancel(context.DeadlineExceeded)
		case <-ctx.Done():
		}
	}()
	return l, func() { cancel(context.Canceled) }
}

// limited is a context whose error tells why it ended. It has a channel of its own,
// or contexts made from it would have the error of the embedded one.
type limited struct {
	context.Context
	done chan struct{}
}

func (l limited) Done() <-chan struct{} { return l.done }

func (l limited) Err() error {
	select {
	case <-l.done:
		return context.Cause(l.Context)
	default:
		return nil
	}
}
