// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// places are for jobs that wait for something. They are limited in number, and in
// the bytes of the calls, which stay in memory: in all, and for each holder, which is
// a connection to the bus or, with perUser, a user.
type places struct {
	all, each limit
	perUser   bool

	mu    sync.Mutex
	of    map[string]limit // by holder
	total limit
}

// limit is a number of calls and of the bytes in them.
type limit struct{ calls, bytes int }

// Limits of jobs that wait. Calls that are answered at once are not counted, as they
// are read one at a time.
const (
	maxOfOne   = 128 // of one caller; a system bus lets no more through
	maxRunning = 1024

	// Those that any user can make.
	maxOfOneOpen = 32
	maxOpen      = 64

	// The bus allows us 128 unanswered questions, and polkit may leave all of
	// these unanswered. One user takes at most a quarter.
	maxAsking    = 64
	maxPrompting = 32
)

// How long calls are on average when all places are taken; most are far shorter.
// One user's share of [maxPrompting] has to hold the longest call.
const (
	averageCall       = 1 << 10
	averageOfStranger = 4 << 10
)

func newPlaces(each, all int) *places {
	return &places{
		each: limit{each, each * averageCall}, all: limit{all, all * averageCall},
		of: map[string]limit{},
	}
}

// newUserPlaces returns places of which one user takes at most a quarter.
func newUserPlaces(all int) *places {
	return &places{
		each: limit{all / 4, all / 4 * averageOfStranger}, all: limit{all, all * averageOfStranger},
		perUser: true, of: map[string]limit{},
	}
}

// take takes a place for a call of size bytes, until leave.
func (p *places) take(holder string, size int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	own, total := p.of[holder].plus(1, size), p.total.plus(1, size)
	switch {
	case own.exceeds(p.each) && p.perUser:
		return limitsExceeded("%d calls of this user are waiting: wait for an answer before the next", own.calls-1)
	case own.exceeds(p.each):
		return limitsExceeded("%d calls of this caller are waiting: wait for an answer before the next", own.calls-1)
	case total.exceeds(p.all):
		return limitsExceeded("%d calls are waiting: try again later", total.calls-1)
	}
	p.of[holder], p.total = own, total
	return nil
}

func (p *places) leave(holder string, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = p.total.plus(-1, -size)
	own := p.of[holder].plus(-1, -size)
	p.of[holder] = own
	if own.calls == 0 {
		delete(p.of, holder)
	}
}

func (l limit) plus(calls, bytes int) limit { return limit{l.calls + calls, l.bytes + bytes} }

func (l limit) exceeds(most limit) bool { return l.calls > most.calls || l.bytes > most.bytes }

func limitsExceeded(format string, args ...any) error {
	return dbus.NewError(names.ErrLimitsExceeded, []any{fmt.Sprintf(format, args...)})
}
