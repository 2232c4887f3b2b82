// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// flight lets callers that ask the same thing at the same time share one call.
// The call continues while anybody waits for it and is cancelled with the last.
type flight[K comparable, T any] struct{ sharing }

// sharing is a flight without its types, so that the program has the code once.
type sharing struct {
	keep  time.Duration // for how long its answer is shared with callers who come later
	clock clockwork.Clock

	mu    sync.Mutex
	calls map[any]*sharedCall
}

// keeping returns one that shares an answer for so long.
func keeping[K comparable, T any](keep time.Duration, clock clockwork.Clock) *flight[K, T] {
	return &flight[K, T]{sharing{keep: keep, clock: clock}}
}

type sharedCall struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	ended   time.Time // zero while it is under way
	value   any
	err     error
}

// do runs fn under a context derived from base, or joins the run for key that is
// under way, or has just ended unless the background asks.
func (f *flight[K, T]) do(ctx, base context.Context, key K, fn func(context.Context) (T, error)) (T, error) {
	value, err := f.share(ctx, base, key, func(ctx context.Context) (any, error) { return fn(ctx) })
	answer, _ := value.(T) // nil if ctx has ended
	return answer, err
}

func (f *sharing) share(ctx, base context.Context, key any, fn func(context.Context) (any, error)) (any, error) {
	if plextv.IsBackground(ctx) {
		base = plextv.Background(base)
	}
	call := f.join(base, key, fn)
	select {
	case <-call.done:
		f.leave(key, call)
		return call.value, call.err
	case <-ctx.Done():
		f.leave(key, call)
		return nil, ctx.Err()
	}
}

func (f *sharing) join(base context.Context, key any, fn func(context.Context) (any, error)) *sharedCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgetEnded()
	if call, ok := f.calls[key]; ok && (call.ended.IsZero() || !plextv.IsBackground(base)) {
		call.waiting++
		return call
	}
	ctx, cancel := context.WithCancel(base)
	call := &sharedCall{waiting: 1, cancel: cancel, done: make(chan struct{})}
	if f.calls == nil {
		f.calls = make(map[any]*sharedCall)
	}
	f.calls[key] = call
	go func() {
		call.value, call.err = fn(ctx)
		f.end(ctx, key, call)
		close(call.done)
	}()
	return call
}

func (f *sharing) leave(key any, call *sharedCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.waiting--; call.waiting > 0 {
		return
	}
	if call.ended.IsZero() {
		f.forget(key, call) // nobody may join a call that is being cancelled
	}
	call.cancel()
}

// end keeps a call that has ended for a while, unless it was given up or put off.
func (f *sharing) end(ctx context.Context, key any, call *sharedCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keep == 0 || ctx.Err() != nil || isPlexKind(call.err, plextv.RateLimited) { // which says for how long
		f.forget(key, call)
		return
	}
	call.ended = f.clock.Now()
}

// forgetEnded forgets the calls that have been kept long enough. It needs f.mu.
func (f *sharing) forgetEnded() {
	if f.keep == 0 {
		return
	}
	for key, call := range f.calls {
		if age := f.clock.Since(call.ended); !call.ended.IsZero() && (age < 0 || age >= f.keep) {
			delete(f.calls, key)
		}
	}
}

// forget needs f.mu.
func (f *sharing) forget(key any, call *sharedCall) {
	if f.calls[key] == call {
		delete(f.calls, key)
	}
}
