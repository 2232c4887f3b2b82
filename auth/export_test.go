// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"runtime"
)

// Renew lets tests see the error of a renewal.
func (a *Account) Renew(ctx context.Context) error { return a.renewal.renew(ctx) }

// AwaitWaiting waits until n changes wait to be saved.
func (a *Account) AwaitWaiting(n int) {
	waiting := func() int {
		a.ledger.queue.mu.Lock()
		defer a.ledger.queue.mu.Unlock()
		return len(a.ledger.queue.waiting)
	}
	for waiting() < n {
		runtime.Gosched()
	}
}
