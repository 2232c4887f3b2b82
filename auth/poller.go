package auth

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// lastWordTimeout is how long a pairing whose time is over waits for one answer
// of plex.tv when the last question had none: somebody may have claimed it.
// It outlasts the pauses that plex.tv asks for with a 429.
const lastWordTimeout = 65 * time.Second

// claimTimeout is the same for a token that somebody has claimed and that could
// not be checked yet: after a power cut the network may come later than we do.
const claimTimeout = 15 * time.Minute

// poller asks plex.tv about one pairing until it ends. It is the only one that
// does, so two frontends never double the load.
type poller struct {
	account  *Account
	pairing  *statefile.Pairing
	unit     unit // that the PIN was asked for with
	settings Settings
	deadline time.Duration   // uptime, as all times here: a clock may be set meanwhile
	checks   chan chan error // from callers that want an answer now
	stop     context.CancelFunc

	// Touched by run alone.
	token       secret.String // claimed, not signed in yet
	lastAsked   time.Duration
	heldUntil   time.Duration // plex.tv asked for patience until then
	heldBecause error
	failures    *backoff.ExponentialBackOff

	result PinResult     // set before over is closed
	over   chan struct{} // closed when the pairing has ended
}

// followPairing stops the poller of a pairing that is not the account's any
// more and starts one for a pairing that has none. It needs the turn.
func (a *Account) followPairing(ended *PinEnd) {
	p := a.record.Pairing
	if a.poll != nil && (p == nil || p.ID != a.poll.pairing.ID) {
		if ended != nil {
			a.poll.result = ended.Result
		}
		close(a.poll.over)
		a.poll.stop()
		a.poll = nil
	}
	if a.poll == nil && p != nil {
		a.poll = a.newPoller(p)
	}
}

func (a *Account) newPoller(pairing *statefile.Pairing) *poller {
	ctx, stop := context.WithCancel(a.life)
	settings := a.record.settings
	// A clock that was set while the daemon was down must not stretch the wait.
	left := min(max(0, pairing.ExpiresAt.Sub(a.wallTime())), settings.PairingTimeout)
	p := &poller{
		account: a, pairing: pairing, unit: a.record.unitOf(pairing), settings: settings,
		deadline: a.time.Uptime() + left, lastAsked: a.time.Uptime() - settings.PollInterval,
		checks: make(chan chan error), stop: stop, over: make(chan struct{}),
		token: pairing.Token,
		failures: &backoff.ExponentialBackOff{
			InitialInterval: settings.PollInterval, MaxInterval: 5 * settings.PollInterval,
			Multiplier: 1.5, RandomizationFactor: 0.2,
		},
	}
	p.failures.Reset()
	a.work.Go(func() { p.run(ctx) })
	return p
}

// check asks plex.tv about the PIN soon and waits for the answer.
func (p *poller) check(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case p.checks <- reply:
	case <-p.over:
		return nil
	case <-p.account.life.Done():
		return p.account.life.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-p.over:
		return nil
	case <-p.account.life.Done():
		return p.account.life.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended gives the result of a pairing that is over, else "".
func (p *poller) ended() PinResult {
	select {
	case <-p.over:
		return p.result
	default:
		return ""
	}
}

func (p *poller) run(ctx context.Context) {
	timer := p.account.clock.NewTimer(min(p.settings.PollInterval, p.deadline-p.now()))
	defer timer.Stop()
	var waiting []chan error
	for {
		select {
		case <-ctx.Done():
			return
		case reply := <-p.checks:
			if err := p.held(); err != nil {
				reply <- err
				continue
			}
			waiting = append(waiting, reply)
			// Callers that ask again and again get an answer each, but plex.tv
			// gets at most four questions in an interval.
			timer.Reset(p.until(p.lastAsked + p.settings.PollInterval/4))
			continue
		case <-timer.Chan():
		}
		err := p.ask(ctx)
		timer.Reset(p.pause(err))
		for _, reply := range waiting {
			reply <- err
		}
		waiting = nil
	}
}

// ask finds out once how the pairing stands, and acts on it.
func (p *poller) ask(ctx context.Context) error {
	p.lastAsked = p.now()
	late := p.lastAsked >= p.deadline
	tooLate := p.lastAsked >= p.end()
	p.correctExpiry(ctx)
	err := p.askPlex(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !p.token.IsZero():
		err = p.signIn(ctx)
		if err != nil && (tooLate || late && (!saysNothing(err) || CodeOf(err) == StorageFailed)) {
			p.endAs(ctx, PinFailed)
		}
	case isPlexKind(err, plextv.Gone), late && err == nil, tooLate:
		p.endAs(ctx, PinTimedOut)
	}
	if err != nil {
		p.account.log.Debug("asking about the PIN failed; going on", "pin_id", p.pairing.ID, "error", err)
	}
	if p.ended() == "" {
		p.account.noteTrouble(ctx, err)
	}
	return err
}

// askPlex gets the token if somebody has claimed the PIN.
func (p *poller) askPlex(ctx context.Context) error {
	if !p.token.IsZero() {
		return nil
	}
	if err := p.held(); err != nil {
		return err
	}
	pin, err := p.account.checkPin(ctx, p.unit, p.settings, p.pairing.PlexID)
	if err == nil {
		p.token = pin.Token
	}
	return err
}

// correctExpiry mends the time that people are shown when the box's clock has
// been set, as it is soon after a box without a battery has started.
func (p *poller) correctExpiry(ctx context.Context) {
	const tolerance = 2 * time.Second
	want := p.account.wallTime().Add(p.deadline - p.now())
	if shown := p.account.Snapshot().Pairing; shown.ID != p.pairing.ID || shown.ExpiresAt.Sub(want).Abs() <= tolerance {
		return
	}
	_ = p.change(ctx, func(next *record, _ *Event) {
		mended := *next.Pairing
		mended.ExpiresAt = want
		next.Pairing = &mended
	})
}

// change is [Account.change] while the pairing is under way.
func (p *poller) change(ctx context.Context, edit func(next *record, e *Event)) error {
	return p.account.change(ctx, func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != p.pairing.ID {
			return errNoPairing(p.pairing.ID)
		}
		edit(next, e)
		return nil
	})
}

func (p *poller) endAs(ctx context.Context, result PinResult) {
	_ = p.account.accept(ctx, func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != p.pairing.ID {
			return errNoPairing(p.pairing.ID)
		}
		endPairing(next, e, result)
		return nil
	})
}

// pause is how long to wait after an answer. Trouble stretches the pause and
// never ends the pairing: whoever holds the code may still claim it.
func (p *poller) pause(err error) time.Duration {
	if err == nil {
		p.failures.Reset()
		return p.until(p.lastAsked + p.settings.PollInterval)
	}
	if p.held() != nil {
		return p.until(p.heldUntil)
	}
	wait := p.failures.NextBackOff()
	if asked := retryAfter(err); asked > 0 {
		wait = asked
		p.heldUntil, p.heldBecause = p.now()+wait, err
	}
	return p.until(p.now() + wait)
}

// held gives the answer in which plex.tv asked for patience while its time lasts.
func (p *poller) held() error {
	if p.now() < p.heldUntil {
		return p.heldBecause
	}
	return nil
}

// until is the time from now to t or the end, whichever is first: the deadline,
// and after it the end of the wait for a last word.
func (p *poller) until(t time.Duration) time.Duration {
	end := p.deadline
	if p.now() >= end {
		end = p.end()
	}
	return max(0, min(t, end)-p.now())
}

// end is when the pairing is given up for good.
func (p *poller) end() time.Duration {
	if !p.token.IsZero() {
		return p.deadline + claimTimeout
	}
	return p.deadline + lastWordTimeout
}

func (p *poller) now() time.Duration { return p.account.time.Uptime() }
