package auth

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	// tooShort is the life that a token must have left when it is handed out:
	// enough for whoever gets it to use it.
	tooShort = 5 * time.Minute
	// freshTimeout bounds how long somebody waits for a longer one.
	freshTimeout = 5 * time.Second
	// freshAgainAfter is the pause after a renewal, in vain or not: without a
	// network, or with tokens that hardly live, nobody is to wait for each call.
	freshAgainAfter = 30 * time.Second
)

// Fresh is [Account.Snapshot] for those who want the token: one that has expired
// at plex.tv or is about to is renewed first, for at most 5 s. If that fails the
// snapshot has the old one, which plex.tv may take yet.
func (a *Account) Fresh(ctx context.Context) *Snapshot {
	if !a.IsFresh() {
		limited, cancel := clockwork.WithTimeout(ctx, a.clock, freshTimeout)
		defer cancel()
		if err := a.renew(limited); err != nil && ctx.Err() == nil {
			a.mark(&a.freshFailedAt)
		}
	}
	return a.Snapshot()
}

// IsFresh reports whether [Account.Fresh] has nothing to wait for.
func (a *Account) IsFresh() bool {
	return !a.isTooShort(a.Snapshot()) ||
		a.askedOfLate(&a.freshFailedAt, freshAgainAfter) || a.askedOfLate(&a.renewedAt, freshAgainAfter)
}

// isTooShort goes by plex.tv's time alone: by any other a good token could seem
// long dead.
func (a *Account) isTooShort(s *Snapshot) bool {
	return s.renewable && !s.TokenExpiresAt.IsZero() && a.time.Known() &&
		s.TokenExpiresAt.Sub(a.time.Now()) < tooShort
}
