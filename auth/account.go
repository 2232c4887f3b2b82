package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/servertime"
)

// rememberedEnds is how many ended pairings CheckPin still knows.
const rememberedEnds = 16

// Account is the Plex account of this box. Its methods may be called from any
// goroutine. Those that take a context return early, with its error, when it ends.
type Account struct {
	plex         *plextv.Client
	store        Store
	clock        clockwork.Clock
	time         *servertime.Clock
	log          *slog.Logger
	confirmAfter time.Duration
	checkEvery   time.Duration

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // background goroutines

	turn   chan struct{} // holding its token is the right to touch what follows
	record record
	poll   *poller
	ended  []endedPairing // the last few, oldest first

	snap      atomic.Pointer[Snapshot]
	feed      *feed
	pins      flight[Pairing]
	verdicts  flight[struct{}]
	renewals  flight[struct{}]
	lists     flight[[]knownServer]
	signers   signers
	switching chan struct{} // holding its token is the right to try a home PIN
	alarm     *alarm        // has the keeper look at the record

	// Uptimes in nanoseconds.
	askedAt   atomic.Int64 // plex.tv last knew the token
	renewedAt atomic.Int64 // it was last renewed

	freshFailedAt  atomic.Int64 // a renewal for somebody who waited was in vain
	serversAskedAt atomic.Int64 // plex.tv was asked for other tokens for media servers
}

// Open loads the account from the store and takes up what was under way: a
// pairing goes on, a stored token is verified in the background. It asks
// plex.tv nothing itself and does not wait for it.
//
// A store that cannot be read or written does not fail Open: the account then
// starts with what could be read, says so in [Snapshot].StorageProblem, and what would
// need the store fails with [StorageFailed].
func Open(o Options) *Account {
	a := &Account{
		plex: o.Plex, store: o.Store, clock: o.Clock, log: o.Log,
		confirmAfter: o.ConfirmAfter, checkEvery: o.CheckEvery,
		turn:      make(chan struct{}, 1),
		switching: make(chan struct{}, 1),
		time:      o.Time,
	}
	if a.clock == nil {
		a.clock = clockwork.NewRealClock()
	}
	a.alarm = newAlarm(a.clock)
	if a.time == nil {
		a.time = servertime.New(a.clock, nil)
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.confirmAfter == 0 {
		a.confirmAfter = 2 * time.Second
	}
	if a.checkEvery == 0 {
		a.checkEvery = 24 * time.Hour
	}
	a.life, a.end = context.WithCancel(context.Background())
	a.load(o.Settings)
	first := a.record.snapshot()
	if first.ConfigWarning != "" {
		a.log.Warn(first.ConfigWarning, "message_id", MessageConfigWarning)
	}
	a.snap.Store(first)
	a.feed = newFeed(a.log, first)
	a.turn <- struct{}{} // a poller may end its pairing at once
	a.followPairing(nil)
	a.endTurn()
	a.work.Go(func() {
		if o.Hold != nil {
			select {
			case <-o.Hold:
			case <-a.life.Done():
			}
		}
		a.newKeeper().run(a.life)
	})
	return a
}

func (a *Account) load(settings Settings) {
	state, err := a.store.Load()
	a.record = record{State: state, settings: settings}
	if err != nil {
		a.record.problem = err.Error()
		a.logUnloaded(err)
	}
	keyLost := a.record.giveUpWithoutKey(a.time.Now())
	if keyLost {
		a.log.Error("the device key is lost, and with it the sign-in: sign in again", "message_id", MessageKeyLost,
			"user_id", a.record.userID())
	}
	if a.record.ClientID == "" {
		a.record.ClientID = uuid.NewString()
	} else if err == nil && !keyLost {
		return
	}
	saveErr := a.store.Save(a.record.State)
	// After a failed Load a refusal to Save has the same reason, said already.
	a.record.unread = saveErr != nil && err != nil
	if saveErr != nil && err == nil {
		a.record.problem = saveErr.Error()
		a.log.Error("the state cannot be kept: signing in will not work until it can", "message_id", MessageStateNotKept, "error", saveErr)
	}
}

// Close ends all background work and waits for it, or for ctx. A pairing under
// way stays in the store and goes on at the next [Open].
func (a *Account) Close(ctx context.Context) error {
	a.end()
	done := make(chan struct{})
	go func() {
		// Whoever has the turn may be writing the state or starting work; the
		// next one finds that the life is over.
		a.turn <- struct{}{}
		a.endTurn()
		a.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("stopping the account: background work has not ended in time")
	}
}

// Snapshot gives the account as it is now. It never waits.
func (a *Account) Snapshot() *Snapshot { return a.snap.Load() }

// Subscribe calls handle, on a goroutine of the subscription's own, with the
// account as it is and then with every change, in order and without a gap. A
// subscriber that blocks loses its oldest events after 256, and nobody else
// notices. cancel ends the subscription; an event that is being handled then
// is not waited for.
func (a *Account) Subscribe(handle func(Event)) (cancel func()) {
	return a.feed.subscribe(handle)
}

// Alive returns nil if the account can still make changes, or ctx's error if
// whoever holds the turn does not give it back.
func (a *Account) Alive(ctx context.Context) error {
	if err := a.takeTurn(ctx); err != nil {
		return err
	}
	a.endTurn()
	return nil
}

// Configure replaces the settings. A pairing under way keeps the old ones.
func (a *Account) Configure(ctx context.Context, settings Settings) error {
	defer a.wakeKeeper() // for another mode
	return a.change(ctx, func(next *record, _ *Event) error {
		next.settings = settings
		return nil
	})
}

func (a *Account) takeTurn(ctx context.Context) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := errors.Join(ctx.Err(), a.life.Err()); err != nil {
		a.endTurn()
		return err
	}
	return nil
}

func (a *Account) endTurn() { <-a.turn }

// mark notes that what at stands for has happened now.
func (a *Account) mark(at *atomic.Int64) { at.Store(int64(a.time.Uptime())) }

// askedOfLate reports whether at was marked less than maxAge ago.
func (a *Account) askedOfLate(at *atomic.Int64, maxAge time.Duration) bool {
	last := at.Load()
	return last != 0 && a.time.Uptime()-time.Duration(last) < maxAge
}

// look lets read see the record.
func (a *Account) look(ctx context.Context, read func(r *record)) error {
	if err := a.takeTurn(ctx); err != nil {
		return err
	}
	defer a.endTurn()
	read(&a.record)
	return nil
}

// change lets edit work on a copy of the record, makes the copy durable and
// publishes it. With an error from edit or the store nothing has changed.
// The event that edit may fill in is published with the change.
func (a *Account) change(ctx context.Context, edit func(next *record, e *Event) error) error {
	return a.apply(ctx, edit, func(failed record, err error) error {
		problem := a.record
		problem.problem = failed.problem
		a.publish(problem, Event{})
		return errStorage(err)
	})
}

// accept is change for what time or plex.tv has decided: it holds even if the
// store fails. Memory is then ahead of the disk until the next save.
func (a *Account) accept(ctx context.Context, edit func(next *record, e *Event) error) error {
	return a.apply(ctx, edit, nil)
}

func (a *Account) apply(ctx context.Context, edit func(*record, *Event) error, refuse func(record, error) error) error {
	if err := a.takeTurn(ctx); err != nil {
		return err
	}
	defer a.endTurn()
	next, event := a.record, Event{}
	if err := edit(&next, &event); err != nil {
		return err
	}
	if next == a.record && event == (Event{}) {
		return nil // what changes nothing wakes nobody
	}
	if next.State != a.record.State {
		next.problem = ""
		if err := a.store.Save(next.State); err != nil {
			a.log.Error("the state could not be written: what is on disk is the old one", "message_id", MessageStateNotKept, "error", err)
			next.problem = err.Error()
			if refuse != nil {
				return refuse(next, err)
			}
		} else if kept := a.store.KeptAside(); kept != "" {
			a.log.Warn("the state file was written anew; what it held before is kept",
				"message_id", MessageStateAnew, "kept_aside", kept)
		}
	}
	a.publish(next, event)
	return nil
}

// publish makes next the account. It needs the turn.
func (a *Account) publish(next record, event Event) {
	before := a.record
	a.record = next
	if event.PinEnd != nil {
		a.ended = append(a.ended, endedPairing{*event.PinEnd, before.Pairing.ExpiresAt})
		a.ended = a.ended[max(0, len(a.ended)-rememberedEnds):]
	}
	event.Snapshot = next.snapshot()
	a.snap.Store(event.Snapshot)
	a.feed.publish(event)
	a.logChange(before, event)
	a.followPairing(event.PinEnd)
	if event.PinEnd != nil {
		a.wakeKeeper() // a move may wait for it
	}
}
