// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

const (
	day = 24 * time.Hour
	// calmAfter is how long the box may make up for what has disturbed it before
	// it counts as idle.
	calmAfter = 3 * time.Hour
	// overdueAfter is how long plex.tv may go without a question about a token in
	// use while nothing is in the way.
	overdueAfter = day + 15*time.Minute
	// unnamedPause is the least after a 429 that names none.
	unnamedPause = 8 * time.Second
	// longestPause is how long the box may go on waiting after what was in the way
	// is gone: an hour and its jitter.
	longestPause = 85 * time.Minute
)

// budget counts what plex.tv is asked. How often it may be:
//
//   - an idle box, in 24 hours: twice about its token; in jwt mode also one nonce
//     and one exchange, and no second exchange within 3 days;
//   - 3 hours after the box has met with trouble, in one hour: as often as each kind
//     of trouble says, see [trouble];
//   - whatever happens, in one hour: 120 times, plus what a pairing and frontends ask;
//   - nothing before the time is over that a 429 names.
type budget struct {
	calls     []call // of the last 3 days
	disturbed time.Time
	trouble   *trouble        // nil while all is well
	met       *trouble        // the last one in which the box has asked
	limited   map[string]call // the last 429 of each kind

	good      time.Duration // in which the box could have asked plex.tv
	knownAt   time.Duration // of good: plex.tv last said something about the token
	allowance time.Duration

	idleDays map[string][]int // calls on each idle day, by mode
}

// disturb says that the calls to come may have a reason.
func (b *budget) disturb(at time.Time) {
	if at.After(b.disturbed) {
		b.disturbed = at
	}
}

// book takes a call in and says what is wrong with it, "" if nothing.
func (b *budget) book(c call, mode string, daemon time.Time) string {
	// What was asked at the same moment did not know of the 429 yet.
	last := b.limited[c.kind]
	due := last.at.Add(last.pause)
	if last.at.After(daemon) && c.at.After(last.at) && c.at.Before(due) {
		return fmt.Sprintf("asked for %q %v after a 429 that wants %v", c.kind, c.at.Sub(last.at), last.pause)
	}
	if c.status == 429 {
		c.pause = cmp.Or(c.pause, unnamedPause)
		if c.kind == "pin" {
			c.pause = min(c.pause, time.Minute) // so that no claim is missed
		}
		if b.limited == nil {
			b.limited = make(map[string]call)
		}
		b.limited[c.kind] = c
	}
	good := c.status == 200 || c.status == 201 || c.status == 403 // which is no bad word about the token
	if good && (c.kind == "user" || c.kind == "token" || c.kind == "switch") {
		b.knownAt, b.allowance = b.good, 0
	}
	b.calls = slices.DeleteFunc(b.calls, func(old call) bool { return c.at.Sub(old.at) > 3*day })
	b.calls = append(b.calls, c)
	if b.trouble != b.met && slices.Contains([]string{"user", "keys", "nonce", "token", "jwk"}, c.kind) {
		b.met = b.trouble
		b.disturb(c.at)
	}
	return b.tooMany(c.at, mode)
}

func (b *budget) tooMany(now time.Time, mode string) string {
	quiet := now.Sub(b.disturbed)
	most := 120 + 10*b.count(now, time.Hour, "resources") // a frontend wanted that, and may want it often
	if b.count(now, time.Hour, "pin") > 0 {
		most += 3 * int(pairingTimeout/pollInterval) // plex.tv's keys may be asked for as often
	}
	if n := b.count(now, time.Hour, "") - b.count(now, time.Hour, "pin"); n > most {
		return fmt.Sprintf("%d calls within an hour", n)
	}
	if b.trouble != nil {
		most := b.trouble.perHour
		if b.count(now, time.Hour, "pin") > 0 { // a code that was given up: every quarter, with 3 tries for the keys
			most += 4 * 4
		}
		if n := b.count(now, time.Hour, ""); quiet > calmAfter && n > most {
			return fmt.Sprintf("%d calls within an hour of %s", n, b.trouble.name)
		}
		return ""
	}
	if quiet < day+calmAfter {
		return ""
	}
	refresh := 0
	if mode == "jwt" {
		refresh = 1
	}
	for kind, most := range map[string]int{"user": 2, "nonce": refresh, "token": refresh, "": 2 + 3*refresh} {
		if n := b.count(now, day, kind); n > most {
			return fmt.Sprintf("%d calls %q within an idle day", n, kind)
		}
	}
	if n := b.count(now, 3*day, "token"); quiet > 3*day+calmAfter && n > 1 {
		return fmt.Sprintf("%d exchanges within 3 idle days", n)
	}
	return ""
}

// count is how many calls of a kind were made in the time up to now; "" is any.
func (b *budget) count(now time.Time, within time.Duration, kind string) (n int) {
	for _, c := range b.calls {
		if (kind == "" || c.kind == kind) && now.Sub(c.at) < within {
			n++
		}
	}
	return n
}

// pass lets time pass, in which the box could have asked or not.
func (b *budget) pass(d time.Duration, could bool) {
	if could {
		b.good += d
	}
}

// overdue says how long plex.tv has not been asked about a token in use.
func (b *budget) overdue() string {
	if left := b.good - b.knownAt; left > overdueAfter+b.allowance {
		return fmt.Sprintf("plex.tv was not asked about the token for %v in which it could have been", left)
	}
	return ""
}

// endDay notes how many calls the day had, if nothing disturbed it.
func (b *budget) endDay(now time.Time, mode string) {
	if b.trouble == nil && now.Sub(b.disturbed) > day+calmAfter {
		b.idleDays[mode] = append(b.idleDays[mode], b.count(now, day, ""))
	}
}
