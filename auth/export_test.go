// SPDX-License-Identifier: Apache-2.0

package auth

import "context"

// Renew lets tests see the error of a renewal.
func (a *Account) Renew(ctx context.Context) error { return a.renewal.renew(ctx) }
