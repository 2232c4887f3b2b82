// SPDX-License-Identifier: Apache-2.0

package auth

import "time"

// verdict is what plex.tv last said about the token in use, since the start.
type verdict int

const (
	unchecked verdict = iota
	confirmed         // the token is good, and plex.tv named its user
	anonymous         // the token is good, but plex.tv did not name its user
	rejected          // plex.tv refused the token, more than once
)

// standing is how the token in use stands with plex.tv. One refusal only puts the
// token in doubt: until the next answer the verdict before it holds.
type standing struct {
	verdict   verdict
	doubted   bool
	doubtedAt time.Duration // uptime of the first refusal
}

func (s standing) good() bool { return s.verdict == confirmed || s.verdict == anonymous }

// reset is for a token that plex.tv has not been asked about, or for none.
func (s *standing) reset() { *s = standing{} }

// confirm is for an answer that the token is good.
func (s *standing) confirm(named bool) {
	*s = standing{verdict: confirmed}
	if !named {
		s.verdict = anonymous
	}
}

// doubt is for a first refusal.
func (s *standing) doubt(uptime time.Duration) { s.doubted, s.doubtedAt = true, uptime }

// reject is for a refusal that counts.
func (s *standing) reject() { *s = standing{verdict: rejected} }
