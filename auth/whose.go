// SPDX-License-Identifier: Apache-2.0

package auth

// whileTheirs asks until the answer is for whoever it was asked for: while plex.tv
// was asked another user may have begun to use the box, or somebody may have signed
// out. count tells their turns or sign-ins apart.
func whileTheirs[T any](l *ledger, count func(*record) uint64, ask func() (T, error)) (T, error) {
	for {
		before := l.record()
		answer, err := ask()
		now := l.record()
		switch {
		case before.Auth != nil && now.Auth == nil:
			var none T
			return none, errSignedOut()
		case before.Auth == nil || count(before) == count(now):
			return answer, err
		}
	}
}

func turns(r *record) uint64 { return r.turns }

func signIns(r *record) uint64 { return r.signIns }
