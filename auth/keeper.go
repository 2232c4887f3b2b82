package auth

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/retune-tv/plexauthd/auth/secret"
)

const (
	// longestPause is between two tries while plex.tv answers, but not well.
	longestPause = time.Hour
	// longestPauseUnreached is the same while nothing of plex.tv is heard: it
	// costs plex.tv nothing, and the way may come back unannounced.
	longestPauseUnreached = 5 * time.Minute
	// wakeAfter is how old a try must be before [Account.Wake] allows another.
	wakeAfter = 10 * time.Second
	// hurryAgainAfter is the least time between two wake-ups that begin the
	// pauses anew, at a second: a network may come and go all the time.
	hurryAgainAfter = time.Minute
	// renewAgainAfter is the least time between two renewals, whatever the
	// tokens say of their end.
	renewAgainAfter = time.Hour
	// renewAgainAfterRefusal is the pause after plex.tv has refused to renew a
	// token that is good otherwise.
	renewAgainAfterRefusal = 6 * time.Hour
)

// keeper asks plex.tv in the background what has to be asked: about a token that
// was not confirmed since start, was refused once, or not asked about for a day;
// for a new one in time; for one that is bound to a device key. Its goroutine
// alone touches it. Times are uptimes, which go on while the box sleeps and which
// nobody can set.
type keeper struct {
	account   *Account
	failures  *backoff.ExponentialBackOff
	lastTry   time.Duration
	notBefore time.Duration // after a failure
	unreached bool          // it was neverArrived
	hurryFrom time.Duration // then a wake-up may begin the pauses anew
	moveAt    time.Duration
	unmoved   secret.String // the token that moveAt is for
	renewAt   time.Duration
	spread    float64 // the share of the daily question's jitter

	verifyTried, renewTried, moveTried time.Duration
}

// errand is something to ask and when.
type errand struct {
	at    time.Duration
	tried *time.Duration // when it was last
	do    func(context.Context) error
}

func (a *Account) newKeeper() *keeper {
	k := &keeper{account: a, spread: rand.Float64(), failures: &backoff.ExponentialBackOff{
		InitialInterval: time.Second, MaxInterval: longestPause, Multiplier: 2, RandomizationFactor: 0.3,
	}}
	k.failures.Reset()
	return k
}

// Wake says that the box has woken up or that the network is back: what could
// not be asked is asked now, and what has become due meanwhile. It may be called
// often.
func (a *Account) Wake() { a.alarm.ring(reasons{woken: true}) }

// wakeKeeper has the keeper look again at what is to be asked.
func (a *Account) wakeKeeper() { a.alarm.ring(reasons{changed: true}) }

func (k *keeper) run(ctx context.Context) {
	alarm := k.account.alarm
	defer alarm.take()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alarm.timer.Chan():
		}
		why := alarm.take()
		if why.changed {
			k.notBefore = 0
		}
		if why.woken {
			k.wake()
		}
		if wait, ok := k.work(ctx); ok {
			alarm.set(wait)
		}
	}
}

// wake ends the pause after a question that has not arrived.
func (k *keeper) wake() {
	if !k.unreached {
		return
	}
	if now := k.account.time.Uptime(); now >= k.hurryFrom {
		k.hurryFrom = now + hurryAgainAfter
		k.failures.Reset()
	}
	k.notBefore = min(k.notBefore, k.lastTry+wakeAfter)
}

// work does what is due and returns how long it is until something else is.
func (k *keeper) work(ctx context.Context) (wait time.Duration, ok bool) {
	for ctx.Err() == nil {
		next, ok := k.next(ctx)
		if !ok {
			return 0, false
		}
		if wait := next.at - k.account.time.Uptime(); wait > 0 {
			return wait, true
		}
		k.lastTry = k.account.time.Uptime()
		*next.tried = k.lastTry
		k.learn(ctx, next.do(ctx))
	}
	return 0, false
}

// learn sets the pause after err.
func (k *keeper) learn(ctx context.Context, err error) {
	k.unreached = neverArrived(err)
	if err == nil {
		k.failures.Reset()
		k.notBefore = 0
		k.spread = rand.Float64()
		return
	}
	k.account.notConfirmed(ctx, err)
	pause := k.failures.NextBackOff()
	if k.unreached {
		pause = min(pause, longestPauseUnreached)
	}
	k.notBefore = k.account.time.Uptime() + max(pause, retryAfter(err))
}

// next is the first of all errands, and false if there is none. One that fails
// and stays due goes behind the others: what plex.tv does not do at one address
// must not keep us from asking at another.
func (k *keeper) next(ctx context.Context) (first errand, ok bool) {
	err := k.account.look(ctx, func(r *record) {
		for _, e := range k.errands(r) {
			if e.at = max(e.at, *e.tried); !ok || e.at < first.at {
				first, ok = e, true
			}
		}
	})
	first.at = max(first.at, k.notBefore)
	return first, ok && err == nil
}

// errands are in the order in which they come if they are due at the same time.
func (k *keeper) errands(r *record) []errand {
	a := k.account
	switch {
	case r.Auth == nil, r.keyless():
		return nil
	case r.doubted:
		return []errand{{r.doubtedAt + a.confirmAfter, &k.verifyTried, a.verifyStored}}
	case !r.asked || r.userID() == "" && !r.nameless && !r.refused():
		return []errand{{0, &k.verifyTried, a.verifyStored}}
	case r.refused():
		return nil
	}
	var list []errand
	if at, ok := k.renewalAt(r); ok {
		list = append(list, errand{max(at, k.renewAt), &k.renewTried, k.tryRenew})
	}
	if r.wantsMove() {
		at := k.moveAt
		if !k.unmoved.Equal(r.holder().Token) {
			at = 0 // somebody has signed in anew
		}
		list = append(list, errand{at, &k.moveTried, k.tryMove})
	}
	if a.checkEvery > 0 {
		list = append(list, errand{k.dailyAt(), &k.verifyTried, a.verifyStored})
	}
	return list
}

// tryRenew looks at the token itself when plex.tv refuses to renew it: the device
// may have been removed. If the token is good all the same it lasts for days yet.
func (k *keeper) tryRenew(ctx context.Context) error {
	a := k.account
	err := a.renew(ctx)
	if err == nil || saysNothing(err) {
		return err
	}
	k.renewAt = a.time.Uptime() + renewAgainAfterRefusal
	a.log.Warn("plex.tv would not renew the token; trying again later", "message_id", MessageNotRenewed,
		"error", err, httpStatus(err))
	return a.verifyStored(ctx)
}

// renewalAt waits for plex.tv's time: with any other a token would seem too old
// or too young by years.
func (k *keeper) renewalAt(r *record) (at time.Duration, ok bool) {
	due, ok := r.renewalDue()
	now := k.account.time
	if !ok || !now.Known() {
		return 0, false
	}
	at = now.Uptime() + due.Sub(now.Now())
	if last := k.account.renewedAt.Load(); last != 0 {
		// A token that comes with little or no time left must not be asked for
		// without a pause.
		left := r.holder().ExpiresAt.Sub(now.Now())
		at = max(at, time.Duration(last)+min(max(left/4, time.Minute), renewAgainAfter))
	}
	return at, true
}

// dailyAt is when to ask about a good token that nobody has asked about. So a
// revoked token is noticed within a day, and plex.tv sees that the token is in
// use: unused ones were seen to die after weeks. The jitter keeps a fleet of
// boxes from asking in the same minute; what is left of the day is for a question
// that has to wait behind trouble.
func (k *keeper) dailyAt() time.Duration {
	early := time.Duration((1 + k.spread) * float64(k.account.checkEvery/6))
	return time.Duration(k.account.askedAt.Load()) + k.account.checkEvery - early
}
