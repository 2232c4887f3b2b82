// SPDX-License-Identifier: Apache-2.0

package auth

import "time"

// These are the times of the tasks that have one.

// doubtAt is when to ask again about a token that plex.tv has refused.
func (s *schedule) doubtAt(r *record) time.Duration {
	if s.hasten {
		return 0
	}
	return r.standing.nextQuestion(s.session.confirmAfter, s.jitter)
}

// renewalAt waits for plex.tv's time: by any other the age of a token could be
// wrong by years.
func (s *schedule) renewalAt(r *record) (at time.Duration, ok bool) {
	due, ok := r.renewalDue()
	now := s.now()
	if !ok || !s.time.Known() {
		return 0, false
	}
	at = now.uptime + due.Sub(now.date)
	if last := r.times.renewed; last != 0 {
		// A token that comes with little or no life left must not be renewed
		// without a pause.
		left := r.owner().ExpiresAt.Sub(now.date)
		at = max(at, last+min(max(left/4, time.Minute), renewalPause))
	}
	return at, true
}

// dailyAt is the next daily check of a token that nothing else has checked. It
// notices a revoked token within a day and shows plex.tv that the token is in use:
// unused ones have been seen to expire after weeks. The jitter spreads a fleet of
// boxes; the rest of the day is for a check that has to wait after failures.
func (s *schedule) dailyAt(r *record) time.Duration {
	early := time.Duration((1 + s.jitter) * float64(s.checkEvery/6))
	return r.times.answered + s.checkEvery - early
}
