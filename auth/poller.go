// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const (
	// lastAnswerTimeout is how long a pairing that has expired waits for one more
	// answer if the last question had none: somebody may have claimed it. It is
	// longer than the pauses that plex.tv asks for with a 429.
	lastAnswerTimeout = 65 * time.Second
	// claimTimeout is the same for a claimed token that could not be checked yet:
	// after a power cut the network may come up later than the daemon.
	claimTimeout = 15 * time.Minute
	// userTimeout bounds how long a claim waits for the user's name. The token is
	// good without it, and the schedule asks for it again.
	userTimeout = 2 * time.Second
)

// poller asks plex.tv about one pairing until it ends. Nobody else does, so two
// frontends do not double the load.
type poller struct {
	*pairings
	pairing  *statefile.Pairing
	device   device // that the PIN was requested with
	settings Settings
	deadline time.Duration   // an uptime, as all times here: a clock may be set meanwhile
	checks   chan chan error // from callers that want an answer now
	stop     context.CancelFunc
	ended    PinResult     // set before over is closed
	over     chan struct{} // closed when the pairing has ended

	// Only run touches these.
	token      secret.String // claimed, but not signed in yet
	lastAsked  time.Duration
	pauseUntil time.Duration // plex.tv asked for a pause
	pauseErr   error
	failures   *backoff.ExponentialBackOff
}

func newPoller(pairings *pairings, r *record, stop context.CancelFunc) *poller {
	interval := r.settings.PollInterval
	p := &poller{
		pairings: pairings, pairing: r.Pairing, device: r.deviceOf(r.Pairing), settings: r.settings,
		checks: make(chan chan error), stop: stop, over: make(chan struct{}), token: r.Pairing.Token,
		failures: &backoff.ExponentialBackOff{
			InitialInterval: interval, MaxInterval: 5 * interval, Multiplier: 1.5, RandomizationFactor: 0.2,
		},
	}
	// A clock that was set while the daemon was not running must not extend it.
	left := min(max(0, r.Pairing.ExpiresAt.Sub(p.wallTime())), r.settings.PairingTimeout)
	p.deadline, p.lastAsked = p.uptime()+left, p.uptime()-interval
	p.failures.Reset()
	return p
}

// check asks plex.tv about the PIN soon and waits for the answer.
func (p *poller) check(ctx context.Context) error {
	reply := make(chan error, 1)
	for ask := p.checks; ; {
		select {
		case ask <- reply:
			ask = nil // once
		case err := <-reply:
			return err
		case <-p.over:
			return nil
		case <-p.life.Done():
			return p.life.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// result is how the pairing ended, "" while it has not.
func (p *poller) result() PinResult {
	select {
	case <-p.over:
		return p.ended
	default:
		return ""
	}
}

func (p *poller) run(ctx context.Context) {
	timer := p.clock.NewTimer(min(p.settings.PollInterval, p.deadline-p.uptime()))
	defer timer.Stop()
	var waiting []chan error
	for {
		select {
		case <-ctx.Done():
			return
		case reply := <-p.checks:
			if err := p.paused(); err != nil {
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
		err := p.poll(ctx)
		timer.Reset(p.pause(err))
		for _, reply := range waiting {
			reply <- err
		}
		waiting = nil
	}
}

// poll asks plex.tv about the pairing once and acts on the answer.
func (p *poller) poll(ctx context.Context) error {
	p.lastAsked = p.uptime()
	late := p.lastAsked >= p.deadline
	tooLate := p.lastAsked >= p.end()
	p.correctExpiry(ctx)
	err := p.ask(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !p.token.IsZero():
		err = p.claim(ctx)
		if err != nil && (tooLate || late && (!isInconclusive(err) || CodeOf(err) == StorageFailed)) {
			p.endAs(ctx, PinFailed)
		}
	case isPlexKind(err, plextv.Gone), late && err == nil, tooLate:
		p.endAs(ctx, PinTimedOut)
	}
	if err != nil {
		p.log.Debug("checking the PIN failed; trying again", "pin_id", p.pairing.ID, "error", err)
	}
	if p.result() == "" {
		_ = p.saveOrKeep(ctx, func(next *record, _ *Event) error {
			next.reportPlex(err)
			return nil
		})
	}
	return err
}

// ask gets the token if somebody has claimed the PIN.
func (p *poller) ask(ctx context.Context) error {
	if !p.token.IsZero() {
		return nil
	}
	if err := p.paused(); err != nil {
		return err
	}
	var proof secret.String
	if p.device.key != nil {
		err := p.renewal.learnTime(ctx, p.device.identity(p.settings))
		if err != nil {
			return err
		}
		if proof, err = p.device.proof(secret.String{}, p.time.Now()); err != nil {
			return err
		}
	}
	pin, err := p.plex.CheckPin(ctx, p.device.identity(p.settings), p.pairing.PlexID, proof)
	if err == nil {
		p.token = pin.Token
	}
	return err
}

// claim signs in with the claimed token. plex.tv may show the token only once, so
// it is on disk before anything else is asked.
func (p *poller) claim(ctx context.Context) error {
	if err := p.save(ctx, p.ifCurrent(func(next *record, _ *Event) { next.keepToken(p.token) })); err != nil {
		return err
	}
	signedIn := &statefile.Auth{Token: p.token, IssuedAt: p.time.Now()}
	if p.device.key != nil {
		if err := p.checkToken(ctx, signedIn); err != nil {
			return err
		}
	}
	userCtx, cancel := clockwork.WithTimeout(ctx, p.clock, userTimeout)
	defer cancel()
	user, err := p.plex.User(userCtx, p.device.identity(p.settings), p.token)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.log.Warn("signed in, but plex.tv has not named the user yet", "pin_id", p.pairing.ID, "error", err)
	}
	setUser(signedIn, user)
	return p.save(ctx, p.ifCurrent(func(next *record, e *Event) { next.claim(signedIn, p.now(), e) }))
}

// checkToken checks a token for the device key and takes its times from it. One
// that plex.tv has not signed is discarded: the next question about the PIN may
// be answered with a good one.
func (p *poller) checkToken(ctx context.Context, signedIn *statefile.Auth) error {
	claims, err := p.renewal.checkToken(ctx, p.device, p.settings, p.token)
	if errors.As(err, new(badToken)) {
		p.token = secret.String{}
		return errors.Join(err, p.save(ctx, p.ifCurrent(func(next *record, _ *Event) { next.keepToken(p.token) })))
	}
	if err == nil {
		signedIn.ExpiresAt = claims.ExpiresAt
		if !claims.IssuedAt.IsZero() {
			signedIn.IssuedAt = claims.IssuedAt
		}
	}
	return err
}

// correctExpiry corrects the time that people are shown after the box's clock
// was set, which happens soon after the start of a box without a battery.
func (p *poller) correctExpiry(ctx context.Context) {
	const tolerance = 2 * time.Second
	want := p.wallTime().Add(p.deadline - p.uptime())
	if shown := p.snapshot().Pairing; shown.ID == p.pairing.ID && shown.ExpiresAt.Sub(want).Abs() > tolerance {
		_ = p.save(ctx, p.ifCurrent(func(next *record, _ *Event) { next.correctExpiry(want) }))
	}
}

// ifCurrent applies edit while the pairing is under way.
func (p *poller) ifCurrent(edit func(next *record, e *Event)) func(*record, *Event) error {
	return func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != p.pairing.ID {
			return errNoPairing(p.pairing.ID)
		}
		edit(next, e)
		return nil
	}
}

func (p *poller) endAs(ctx context.Context, result PinResult) {
	_ = p.saveOrKeep(ctx, p.ifCurrent(func(next *record, e *Event) { next.endPairing(result, e) }))
}

// pause is how long to wait after an answer. Failures extend the pause and never
// end the pairing: whoever has the code may still claim it.
func (p *poller) pause(err error) time.Duration {
	if err == nil {
		p.failures.Reset()
		return p.until(p.lastAsked + p.settings.PollInterval)
	}
	if p.paused() != nil {
		return p.until(p.pauseUntil)
	}
	wait := p.failures.NextBackOff()
	if after := retryAfter(err); after > 0 {
		wait = after
		p.pauseUntil, p.pauseErr = p.uptime()+wait, err
	}
	return p.until(p.uptime() + wait)
}

// paused returns the error with which plex.tv asked for a pause, while it lasts.
func (p *poller) paused() error {
	if p.uptime() < p.pauseUntil {
		return p.pauseErr
	}
	return nil
}

// until is the time from now to t or to the end, whichever comes first: the
// deadline, and after it the end of the wait for a last answer.
func (p *poller) until(t time.Duration) time.Duration {
	end := p.deadline
	if p.uptime() >= end {
		end = p.end()
	}
	return max(0, min(t, end)-p.uptime())
}

// end is when the pairing is given up.
func (p *poller) end() time.Duration {
	if !p.token.IsZero() {
		return p.deadline + claimTimeout
	}
	return p.deadline + lastAnswerTimeout
}

func (p *poller) uptime() time.Duration { return p.time.Uptime() }
