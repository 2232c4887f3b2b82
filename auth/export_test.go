package auth

import "context"

// Renew lets tests hear what becomes of a renewal.
func (a *Account) Renew(ctx context.Context) error { return a.renew(ctx) }
