// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"fmt"
	"time"

	"github.com/retune-tv/plexauthd/auth"
)

// ledger is what was ordered, by people and by plex.tv, and is to be signalled
// once.
type ledger struct {
	signedIn bool
	signOuts int // by people
	switches int
	removed  bool          // plex.tv has removed the device
	notice   time.Duration // of budget.good, by which that is to be noticed
	pairing  *pairing      // nil when none is under way
	// unheard is set after a pairing of whose claim the box has not heard. A device
	// key that it still has is good again then, and signs it in all the same.
	unheard bool
	signals int
}

// pairing is a PIN that a person has asked for.
type pairing struct {
	id        uint64
	startedAt time.Time // by the time the box is awake
	claimed   bool
	checks    int
	opens     int // how often the daemon took it up, each time for at most its whole life
}

// take counts a signal and says what is wrong with it, "" if nothing.
func (l *ledger) take(e auth.Event) string {
	claimed := false
	if end := e.PinEnd; end != nil {
		l.signals++
		p := l.pairing
		if p == nil || p.id != end.ID {
			return fmt.Sprintf("pairing %d ended (%s), which nobody waits for", end.ID, end.Result)
		}
		claimed = end.Result == auth.PinClaimed
		if claimed && !p.claimed {
			return "a pairing that nobody has claimed ended as claimed"
		}
		l.pairing, l.unheard = nil, l.unheard || p.claimed && !claimed
	}
	if e.Auth == nil {
		if claimed {
			return "a pairing was claimed, but nobody has signed in"
		}
		return ""
	}
	l.signals++
	return l.takeAuth(*e.Auth, claimed)
}

func (l *ledger) takeAuth(change auth.AuthChange, claimed bool) string {
	ordered := false
	switch change.Reason {
	case auth.ReasonSignedIn:
		ordered = claimed || !l.signedIn && (l.unheard || l.pairing != nil && l.pairing.claimed)
		l.unheard = false
		l.signedIn, l.removed = true, false
	case auth.ReasonSignedOut:
		ordered = l.signOuts > 0
		l.signOuts--
		l.signedIn, l.removed = false, false
	case auth.ReasonUserSwitched:
		ordered = l.switches > 0
		l.switches--
	case auth.ReasonUserLocked: // who signed in is back before the home user
		ordered = !l.signedIn && (l.unheard || l.pairing != nil && l.pairing.claimed)
	case auth.ReasonRevoked:
		ordered = l.removed
		l.signedIn, l.removed = false, false
	}
	if !ordered || change.Authenticated != l.signedIn {
		return fmt.Sprintf("%s (authenticated: %v), which nobody has ordered", change.Reason, change.Authenticated)
	}
	return ""
}

// missing says which signal should have been there by now, "" if none. good is the
// time in which the box could have noticed.
func (l *ledger) missing(good time.Duration) string {
	switch {
	case l.signOuts > 0:
		return "a sign-out was not signalled"
	case l.switches > 0:
		return "a switch of users was not signalled"
	case l.removed && good > l.notice:
		return "the device was removed, and the box has not noticed"
	}
	return ""
}

// restarted compares how the box finds itself after it had no power, when what it
// wrote last may not have been signalled.
func (l *ledger) restarted(s *auth.Snapshot) string {
	if l.pairing != nil && s.Pairing.ID != l.pairing.id {
		if s.Authenticated && !l.signedIn && !l.pairing.claimed {
			return "signed in without a claim"
		}
		l.signedIn = l.signedIn || s.Authenticated
		l.unheard = l.unheard || l.pairing.claimed && !s.Authenticated
		l.pairing = nil
	}
	if l.signOuts > 0 {
		l.signOuts = 0
		l.signedIn = s.Authenticated
	}
	l.switches = 0
	if l.removed && !s.Authenticated {
		l.removed, l.signedIn = false, false
	}
	if s.Authenticated != l.signedIn {
		return fmt.Sprintf("after a restart signed in: %v", s.Authenticated)
	}
	return ""
}
