// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"sync"
)

// flight lets callers that ask the same thing at the same time share one call.
// The call goes on while anybody waits for it and is cancelled with the last.
type flight[K comparable, T any] struct {
	mu    sync.Mutex
	calls map[K]*sharedCall[T]
}

type sharedCall[T any] struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	value   T
	err     error
}

// do runs fn under a context derived from base, or joins the run under way for key.
func (f *flight[K, T]) do(ctx, base context.Context, key K, fn func(context.Context) (T, error)) (T, error) {
	call := f.join(base, key, fn)
	select {
	case <-call.done:
		f.leave(key, call)
		return call.value, call.err
	case <-ctx.Done():
		f.leave(key, call)
		var none T
		return none, ctx.Err()
	}
}

func (f *flight[K, T]) join(base context.Context, key K, fn func(context.Context) (T, error)) *sharedCall[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call, ok := f.calls[key]; ok {
		call.waiting++
		return call
	}
	ctx, cancel := context.WithCancel(base)
	call := &sharedCall[T]{waiting: 1, cancel: cancel, done: make(chan struct{})}
	if f.calls == nil {
		f.calls = make(map[K]*sharedCall[T])
	}
	f.calls[key] = call
	go func() {
		call.value, call.err = fn(ctx)
		f.mu.Lock()
		f.forget(key, call)
		f.mu.Unlock()
		close(call.done)
	}()
	return call
}

func (f *flight[K, T]) leave(key K, call *sharedCall[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.waiting--; call.waiting == 0 {
		f.forget(key, call) // nobody may join a call that is being cancelled
		call.cancel()
	}
}

// forget needs f.mu.
func (f *flight[K, T]) forget(key K, call *sharedCall[T]) {
	if f.calls[key] == call {
		delete(f.calls, key)
	}
}
