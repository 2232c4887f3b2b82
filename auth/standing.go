// SPDX-License-Identifier: Apache-2.0

package auth

import "time"

// verdict is what plex.tv last said about a token, since the start.
type verdict int

const (
	unchecked verdict = iota
	confirmed         // the token is good, and plex.tv named its user
	anonymous         // the token is good, but plex.tv did not name its user
	rejected          // plex.tv refused the token beyond doubt
)

const (
	// enoughRefusals in a row put a refusal beyond doubt, if they take long enough:
	// plex.tv's sign-in service has answered 401 to everybody for a while.
	enoughRefusals = 3
	// refusedFor is the least time from the first of them to the last. A token that
	// is younger than youngFor at the first takes twice as long: plex.tv may not
	// know it everywhere yet.
	refusedFor = 30 * time.Second
	youngFor   = 4 * refusedFor
)

// standing is how a token stands with plex.tv. Refusals put it in doubt; only
// enough of them reject it.
type standing struct {
	verdict  verdict
	refusals int           // in a row, or since the rejection
	first    time.Duration // uptime of the first refusal
	last     time.Duration // uptime of the last one that counted
	lasting  time.Duration // how far they must be apart
}

func (s standing) good() bool { return s.verdict == confirmed || s.verdict == anonymous }

func (s standing) doubted() bool { return s.refusals > 0 && s.verdict != rejected }

func (s standing) refused() bool { return s.doubted() || s.verdict == rejected }

// beyondDoubt reports whether the refusals are enough.
func (s standing) beyondDoubt() bool {
	return s.refusals >= enoughRefusals && s.last-s.first >= s.lasting
}

// reset is for a token that plex.tv has not been asked about, or for none.
func (s *standing) reset() { *s = standing{} }

// confirm is for an answer that the token is good.
func (s *standing) confirm(named bool) {
	*s = standing{verdict: confirmed}
	if !named {
		s.verdict = anonymous
	}
}

// doubt is for a refusal. Refusals that come close together count once.
func (s *standing) doubt(uptime time.Duration, age, span time.Duration) {
	switch {
	case s.refusals == 0:
		s.first, s.lasting = uptime, span
		if age < youngFor/refusedFor*span {
			s.lasting = 2 * span
		}
	case uptime-s.last < span/enoughRefusals:
		return
	}
	s.refusals, s.last = s.refusals+1, uptime
}

// reject is for refusals that are beyond doubt, and for each later one: they are
// counted as the answers to questions that come after growing pauses.
func (s *standing) reject(uptime time.Duration) {
	if s.verdict != rejected {
		*s = standing{verdict: rejected, last: uptime}
	} else if uptime-s.last >= shortest(s.pause()) {
		s.refusals, s.last = s.refusals+1, uptime
	}
}

// pause is the most to wait before plex.tv is asked about a rejected token again.
func (s standing) pause() time.Duration {
	pauses := [...]time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}
	return pauses[min(s.refusals, len(pauses)-1)]
}

// nextQuestion is when to ask about a token that is in doubt or rejected. share,
// from 0 to 1, spreads a fleet of boxes that one outage has met.
func (s standing) nextQuestion(span time.Duration, share float64) time.Duration {
	if s.verdict != rejected {
		pause := span / (enoughRefusals - 1)
		return s.last + pause + time.Duration(share*float64(pause)/5)
	}
	pause := s.pause()
	return s.last + shortest(pause) + time.Duration(share*float64(pause)/5)
}

// shortest is the least that a pause gets when it is spread. All pauses together
// stay longer than an hour, so that an outage of an hour costs nobody a day. None
// exceeds its nominal length, so that all boxes are back within an hour of its end.
func shortest(pause time.Duration) time.Duration { return pause * 3 / 4 }
