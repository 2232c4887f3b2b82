// SPDX-License-Identifier: Apache-2.0

package auth

import "github.com/retune-tv/plexauthd/auth/statefile"

// whileTheirs asks until the answer is for the account that whose names when it
// comes: while plex.tv was asked another user may have begun to use the box, or
// somebody may have signed out.
func whileTheirs[T any](l *ledger, whose func(*record) *statefile.Auth, ask func() (T, error)) (T, error) {
	for {
		before := whose(l.record())
		answer, err := ask()
		now := whose(l.record())
		switch {
		case before != nil && now == nil:
			var none T
			return none, errSignedOut()
		case before == nil || sameUser(before, now):
			return answer, err
		}
	}
}

// inUse is the account in use.
func inUse(r *record) *statefile.Auth { return r.Auth }
