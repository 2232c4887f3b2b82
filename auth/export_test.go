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
	for a.ledger.queue.Len() < n {
		runtime.Gosched()
	}
}
