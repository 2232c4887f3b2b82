// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/secret"
)

const (
	callEvery = 2 * time.Second        // how often a frontend calls Validate
	badEvery  = 100 * time.Millisecond // how often a broken one has another token checked
	calling   = 10 * time.Second       // how long all of them go on
	burst     = 10                     // questions at once
	// rack is how many boxes are looked at together. Each has a connection of its own.
	rack = 1000
)

// frontends are those of a box.
type frontends struct {
	many                     int
	broken                   bool // one of them
	calls, answered, limited int
}

// call is a call by one of them. Of the broken one's every twentieth is a good one's,
// which makes one in two seconds.
func (f *frontends) call(m *member) {
	var err error
	if f.broken && f.calls%int(callEvery/badEvery) > 0 {
		_, err = m.account.ValidateToken(context.Background(), secret.New(fmt.Sprint("another-token-", f.calls)))
	} else {
		_, err = m.account.Validate(context.Background())
	}
	f.calls++
	switch {
	case err == nil:
		f.answered++
	case auth.CodeOf(err) == auth.RateLimited:
		f.limited++
	}
}

// every is the time from one call to the next.
func (f *frontends) every() time.Duration {
	if f.broken {
		return badEvery
	}
	return callEvery / time.Duration(f.many)
}

// pace is what plex.tv has been asked.
type pace struct {
	polite, broken []int // questions, by box
	seconds        []int // questions of all boxes, by second
}

// The frontends of 10,000 boxes, one to four on each, call Validate every 2 s; on
// every tenth box a broken one has ten tokens a second checked as well. Who calls at
// the same time shares an answer, so plex.tv hears of a box once a second, and of a
// broken frontend ten times at once and then once a second.
func TestAFleetKeepsItsPace(t *testing.T) {
	t.Parallel()
	seen := pace{seconds: make([]int, calling/time.Second)}
	for range 10 {
		t.Run(fmt.Sprint(rack, " boxes"), seen.call)
	}
	t.Logf("%d boxes whose frontends call Validate every %v, for %v: plex.tv is asked %d to %d times by each",
		len(seen.polite), callEvery, calling, slices.Min(seen.polite), slices.Max(seen.polite))
	t.Logf("%d boxes with a broken frontend: %d to %d times", len(seen.broken), slices.Min(seen.broken), slices.Max(seen.broken))
	all := 0
	for n, questions := range seen.seconds {
		all += questions
		if most := (n+1)*len(seen.polite) + (burst+n+1)*len(seen.broken); all > most {
			t.Errorf("%d questions within %d s, want at most %d", all, n+1, most)
		}
	}
	t.Logf("all of them: %d questions in %v; in each second %d", all, calling, seen.seconds)
}

// call has the frontends of some boxes call.
func (p *pace) call(t *testing.T) {
	f := newFleet(t, rack, time.Minute)
	f.legacy, f.paced = true, make(map[string]int)
	const began = time.Minute
	f.live(began)
	clear(f.paced)
	clear(f.asked)
	boxes := make(map[string]*frontends)
	for n, m := range f.boxes {
		of := &frontends{many: 1 + n%4, broken: n%10 == 0}
		boxes[m.id], m.use, m.again = of, of.call, of.every()
		m.visit = began + 1 + time.Duration(f.random.Int64N(int64(m.again)))
		m.at = min(m.at, m.visit)
	}
	heap.Init(&f.agenda)
	f.live(began + calling)
	for id, of := range boxes {
		p.note(t, of, f.paced[id])
	}
	for _, at := range f.asked["user"] {
		p.seconds[(at-began)/time.Second]++
	}
}

// note counts the questions of a box, and wants no more of them than there may be.
func (p *pace) note(t *testing.T, of *frontends, asked int) {
	t.Helper()
	most := int(calling / time.Second)
	if of.broken {
		p.broken = append(p.broken, asked)
		if asked > burst+most || of.limited != of.calls-of.answered || of.limited == 0 {
			t.Errorf("%d questions of a box with a broken frontend, want at most %d: %+v", asked, burst+most, *of)
		}
		return
	}
	p.polite = append(p.polite, asked)
	if asked > most || of.answered != of.calls {
		t.Errorf("%d questions of a box, want at most %d: %+v", asked, most, *of)
	}
}
