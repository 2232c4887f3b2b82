// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

const (
	// maxPause is the longest pause between two tries while plex.tv answers, but
	// with errors.
	maxPause = time.Hour
	// maxPauseUndelivered is the same while plex.tv cannot be reached: trying
	// costs it nothing, and the network may come back without notice.
	maxPauseUndelivered = 5 * time.Minute
	// wakeAfter is how old a try must be before [Account.Wake] allows another.
	wakeAfter = 10 * time.Second
	// resetPausesAfter is the least time between two wake-ups that make the
	// pauses short again: a network may come and go all the time.
	resetPausesAfter = time.Minute
	// renewalPause is the least time between two renewals, whatever the tokens
	// say about their expiry.
	renewalPause = time.Hour
	// refusedRenewalPause is the pause after plex.tv refused to renew a token
	// that is otherwise good.
	refusedRenewalPause = 6 * time.Hour
	// refusedBindPause is the pause after plex.tv refused to bind a token to the
	// device key.
	refusedBindPause = 24 * time.Hour
)

// schedule asks plex.tv in the background what is due: about a token that was not
// confirmed since the start, is in doubt, or was not checked for a day; for a new
// token in time; for one that is bound to a device key. Only run touches its
// fields. Times are uptimes, which include sleep and which nobody can set.
type schedule struct {
	*ledger
	session    *session
	renewal    *renewal
	checkEvery time.Duration
	alarm      *alarm

	failures    *backoff.ExponentialBackOff
	lastTry     time.Duration
	notBefore   time.Duration // after a failure
	undelivered bool          // the last failure
	resetFrom   time.Duration // when a wake-up may make the pauses short again
	renewFrom   time.Duration
	bindFrom    time.Duration
	unbound     secret.String // the token that bindFrom is for
	jitter      float64       // of the daily check and of pauses after refusals, as a share
	hasten      bool          // a wake-up ends the pause after a refusal

	verifyTried, renewTried, bindTried, nameTried time.Duration
}

// task is a question and when it is due.
type task struct {
	at    time.Duration
	tried *time.Duration // the last time
	do    func(context.Context) error
}

func newSchedule(l *ledger, s *session, r *renewal, checkEvery time.Duration) *schedule {
	k := &schedule{
		ledger: l, session: s, renewal: r, checkEvery: checkEvery, jitter: rand.Float64(),
		alarm: newAlarm(l.clock),
		failures: &backoff.ExponentialBackOff{
			InitialInterval: time.Second, MaxInterval: maxPause, Multiplier: 2, RandomizationFactor: 0.3,
		},
	}
	k.failures.Reset()
	return k
}

// wake ends the pause after a question that plex.tv has not seen.
func (s *schedule) wake() { s.alarm.ring(reasons{woken: true}) }

// recheck looks again at what is due, without waiting for the end of a pause.
func (s *schedule) recheck() { s.alarm.ring(reasons{changed: true}) }

// follow rechecks after a change of what the tasks depend on. What a failed task
// changes by itself must not be among it: that would end its own pause.
func (s *schedule) follow(before, after *record) {
	if before.standing != after.standing || before.settings.Mode != after.settings.Mode ||
		before.Pairing != nil && after.Pairing == nil ||
		!sameSignIn(before.Auth, after.Auth) || !sameSignIn(before.Owner, after.Owner) {
		s.recheck()
	}
}

// run begins when hold is closed, or at once if it is nil.
func (s *schedule) run(ctx context.Context, hold <-chan struct{}) {
	defer s.alarm.take()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.alarm.timer.Chan():
		}
		why := s.alarm.take()
		if why.changed {
			s.notBefore = 0
		}
		if why.woken {
			s.endPause()
		}
		if why.paused {
			s.keepPauses(ctx)
		}
		if wait, ok := s.work(ctx); ok {
			s.alarm.set(wait)
		}
	}
}

// keepPauses has the pauses that plex.tv asks for outlive the daemon.
func (s *schedule) keepPauses(ctx context.Context) {
	pauses := s.session.plex.Pauses()
	_ = s.saveOrKeep(ctx, func(next *record, _ *Event) error {
		next.keepPauses(pauses)
		return nil
	})
}

// endPause ends a pause after a question without an answer, or after an old refusal.
func (s *schedule) endPause() {
	s.hasten = s.time.Uptime()-s.verifyTried >= resetPausesAfter
	if !s.undelivered {
		return
	}
	if now := s.time.Uptime(); now >= s.resetFrom {
		s.resetFrom = now + resetPausesAfter
		s.failures.Reset()
	}
	s.notBefore = min(s.notBefore, s.lastTry+wakeAfter)
}

// work does what is due and returns how long it is until the next task.
func (s *schedule) work(ctx context.Context) (wait time.Duration, ok bool) {
	for ctx.Err() == nil {
		next, ok := s.next()
		if !ok {
			return 0, false
		}
		if wait := next.at - s.time.Uptime(); wait > 0 {
			return wait, true
		}
		s.lastTry = s.time.Uptime()
		*next.tried = s.lastTry
		s.finish(ctx, next.do(ctx))
	}
	return 0, false
}

// finish sets the pause after a task.
func (s *schedule) finish(ctx context.Context, err error) {
	s.undelivered, s.hasten = isUndelivered(err), false
	if err == nil || isPlexKind(err, plextv.Refused) && s.record().standing.refused() {
		// A refusal is an answer, too, and has pauses of its own.
		s.failures.Reset()
		s.jitter = rand.Float64()
	}
	if err == nil {
		return
	}
	s.logFailure(err)
	_ = s.saveOrKeep(ctx, func(next *record, _ *Event) error {
		next.reportPlex(err)
		return nil
	})
	pause := s.failures.NextBackOff()
	if s.undelivered {
		pause = min(pause, maxPauseUndelivered)
	}
	s.notBefore = s.time.Uptime() + max(pause, retryAfter(err))
}

// logFailure logs that a task has not shown that the token is good. What follows
// from a refusal is logged with the change.
func (s *schedule) logFailure(err error) {
	switch {
	case s.life.Err() != nil || CodeOf(err) == AuthRequired: // signed out meanwhile
	case !isPlexKind(err, plextv.Refused):
		s.log.Info("plex.tv has not confirmed the token; trying again", "message_id", MessageUnverified,
			"error", err, httpStatus(err))
	case s.snapshot().Authenticated:
		s.log.Info("plex.tv refused the token; asking again before it is believed", "error", err, httpStatus(err))
	}
}

// next is the first task, if there is any. One that failed and is still due goes
// behind the others: a fault of plex.tv at one address must not keep us from
// asking at another.
func (s *schedule) next() (first task, ok bool) {
	for _, t := range s.tasks(s.record()) {
		if t.at = max(t.at, *t.tried); !ok || t.at < first.at {
			first, ok = t, true
		}
	}
	first.at = max(first.at, s.notBefore)
	return first, ok
}

// tasks are in the order in which they are done if they are due at the same time.
func (s *schedule) tasks(r *record) []task {
	var list []task
	switch unnamed := r.userID() == "" && r.standing.verdict != anonymous; {
	case r.Auth == nil, r.keyless():
		return nil
	case r.standing.refused():
		list = append(list, task{s.doubtAt(r), &s.verifyTried, s.session.verify})
		if !r.locked() {
			return list
		}
	case r.standing.verdict == unchecked, unnamed:
		return []task{{0, &s.verifyTried, s.session.verify}}
	}
	if at, ok := s.renewalAt(r); ok {
		list = append(list, task{max(at, s.renewFrom), &s.renewTried, s.renew})
	}
	if r.wantsKey() {
		at := s.bindFrom
		if !s.unbound.Equal(r.owner().Token) {
			at = 0 // somebody has signed in again
		}
		list = append(list, task{at, &s.bindTried, s.bind})
	}
	if r.Owner != nil && r.Owner.UserID == "" {
		list = append(list, task{0, &s.nameTried, s.session.nameOwner})
	}
	if s.checkEvery > 0 && !r.refused() {
		list = append(list, task{s.dailyAt(r), &s.verifyTried, s.session.verify})
	}
	return list
}

// renew checks the token itself when plex.tv refuses to renew it: the device may
// have been removed. Otherwise the token lasts for days.
func (s *schedule) renew(ctx context.Context) error {
	err := s.renewal.renew(ctx)
	if err == nil || isInconclusive(err) {
		return err
	}
	s.renewFrom = s.time.Uptime() + refusedRenewalPause
	s.log.Warn("plex.tv refused to renew the token; trying again later", "message_id", MessageNotRenewed,
		"error", err, httpStatus(err))
	return s.session.verify(ctx)
}

// bind leaves for tomorrow what plex.tv refuses today; the opaque token stays in use.
func (s *schedule) bind(ctx context.Context) error {
	var opaque secret.String
	if owner := s.record().owner(); owner != nil {
		opaque = owner.Token
	}
	err := s.renewal.bind(ctx)
	switch {
	case err == nil:
		if now := s.snapshot(); now.Mode == ModeJWT && now.Credentials != nil {
			s.log.Info("moved to a device key: the token is now bound to this box",
				"message_id", MessageMoved, "user_id", now.Credentials.UserID)
		}
	case !isInconclusive(err):
		s.bindFrom, s.unbound = s.time.Uptime()+refusedBindPause, opaque
		s.log.Warn("plex.tv refused to bind the token to a device key; trying again tomorrow",
			"message_id", MessageNotMoved, "error", err, httpStatus(err))
		if isPlexKind(err, plextv.Refused) {
			return s.session.verify(ctx) // the token may be the one that is refused
		}
		return nil
	}
	return err
}
