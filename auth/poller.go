package auth

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// userTimeout bounds how long a claimed sign-in waits for the user's name. The
// token is good without it, and the name is asked for again in the background.
const userTimeout = 2 * time.Second

// lastWordTimeout is how long a pairing whose time is over waits for one answer
// of plex.tv when the last question had none: somebody may have claimed it.
// It outlasts the pauses that plex.tv asks for with a 429.
const lastWordTimeout = 65 * time.Second

// poller asks plex.tv about one pairing until it ends. It is the only one that
// does, so two frontends never double the load.
type poller struct {
	account  *Account
	pairing  *statefile.Pairing
	identity plextv.Identity
	interval time.Duration
	deadline time.Time
	checks   chan chan error // from callers that want an answer now
	stop     context.CancelFunc

	// Touched by run alone.
	token       secret.String // claimed, not signed in yet
	lastAsked   time.Time
	heldUntil   time.Time // plex.tv asked for patience until then
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
	now := a.clock.Now()
	settings := a.record.settings
	// A clock that was set while the daemon was down must not stretch the wait.
	left := min(max(0, pairing.ExpiresAt.Sub(now)), settings.PairingTimeout)
	p := &poller{
		account: a, pairing: pairing, identity: a.record.identity(), interval: settings.PollInterval,
		deadline: now.Add(left),
		checks:   make(chan chan error), stop: stop, over: make(chan struct{}),
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
	timer := p.account.clock.NewTimer(min(p.interval, p.deadline.Sub(p.account.clock.Now())))
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
			timer.Reset(p.until(p.lastAsked.Add(p.interval / 4)))
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
	p.lastAsked = p.account.clock.Now()
	late := !p.lastAsked.Before(p.deadline)
	tooLate := !p.lastAsked.Before(p.deadline.Add(lastWordTimeout))
	err := p.askPlex(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !p.token.IsZero():
		err = p.signIn(ctx)
		if err != nil && late {
			p.end(ctx, PinFailed)
		}
	case isPlexKind(err, plextv.Gone), late && err == nil, tooLate:
		p.end(ctx, PinTimedOut)
	}
	if err != nil {
		p.account.log.Debug("asking about the PIN failed; going on", "pin_id", p.pairing.ID, "error", err)
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
	pin, err := p.account.plex.CheckPin(ctx, p.identity, p.pairing.PlexID)
	if err == nil {
		p.token = pin.Token
	}
	return err
}

// signIn makes a claimed token the account's. plex.tv may show the token only
// once, so it is on disk before anything else is asked.
func (p *poller) signIn(ctx context.Context) error {
	a := p.account
	err := a.change(ctx, func(next *record, _ *Event) error {
		if next.Pairing == nil || next.Pairing.ID != p.pairing.ID {
			return errNoPairing(p.pairing.ID)
		}
		if next.Pairing.Token.IsZero() {
			kept := *next.Pairing
			kept.Token = p.token
			next.Pairing = &kept
		}
		return nil
	})
	if err != nil {
		return err
	}
	userCtx, cancel := clockwork.WithTimeout(ctx, a.clock, userTimeout)
	defer cancel()
	user, err := a.plex.User(userCtx, p.identity, p.token)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.log.Warn("signed in, but who it is could not be asked yet", "pin_id", p.pairing.ID, "error", err)
	}
	signedIn := &statefile.Auth{Token: p.token, IssuedAt: a.clock.Now()}
	setUser(signedIn, user)
	defer a.wakeVerifier() // which asks for a name that is missing
	return a.change(ctx, func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != p.pairing.ID {
			return errNoPairing(p.pairing.ID)
		}
		endPairing(next, e, PinClaimed)
		next.signIn(signedIn, e)
		return nil
	})
}

func (p *poller) end(ctx context.Context, result PinResult) {
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
	now := p.account.clock.Now()
	if err == nil {
		p.failures.Reset()
		return p.until(p.lastAsked.Add(p.interval))
	}
	if p.held() != nil {
		return p.until(p.heldUntil)
	}
	wait := p.failures.NextBackOff()
	if asked := retryAfter(err); asked > 0 {
		wait = asked
		p.heldUntil, p.heldBecause = now.Add(wait), err
	}
	return p.until(now.Add(wait))
}

// held gives the answer in which plex.tv asked for patience while its time lasts.
func (p *poller) held() error {
	if p.account.clock.Now().Before(p.heldUntil) {
		return p.heldBecause
	}
	return nil
}

// until is the time from now to t or the end, whichever is first: the deadline,
// and after it the end of the wait for a last word.
func (p *poller) until(t time.Time) time.Duration {
	now, end := p.account.clock.Now(), p.deadline
	if !now.Before(end) {
		end = end.Add(lastWordTimeout)
	}
	if t.After(end) {
		t = end
	}
	return max(0, t.Sub(now))
}
