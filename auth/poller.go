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
	"github.com/retune-tv/plexauthd/auth/timelimit"
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
	// watchInterval is the time between two questions about a pairing that was given
	// up, and lastLook how long before plex.tv ends its PIN the last of them is due.
	watchInterval = time.Minute
	lastLook      = 2 * time.Second
	// longestPin is the life of plex.tv's strong PINs, the longer ones.
	longestPin = 30 * time.Minute
	// forgetAfter is how long after that plex.tv may still be out of reach. Then the
	// questions are farther apart.
	forgetAfter          = 24 * time.Hour
	offlineWatchInterval = 15 * time.Minute
)

// poller asks plex.tv about one pairing until it ends, and if it is given up before
// that, until nobody can claim it any more. Nobody else does, so two frontends do not
// double the load.
type poller struct {
	*pairings
	pairing  *statefile.Pairing
	device   device // that the PIN was requested with
	settings Settings
	deadline time.Duration   // an uptime, as all times here: a clock may be set meanwhile
	plexEnd  time.Duration   // when plex.tv ends the PIN
	timer    clockwork.Timer // of the next question
	checks   chan check      // from callers that want an answer now
	stop     context.CancelFunc
	ended    PinResult     // set before over is closed
	over     chan struct{} // closed when the pairing is no longer under way

	// Only run touches these.
	token      secret.String // claimed, but not signed in yet
	lastAsked  time.Duration
	correctAt  time.Duration // when the time that people see may be corrected again
	pauseUntil time.Duration // plex.tv asked for a pause
	pauseErr   error
	failures   *backoff.ExponentialBackOff
}

// isOver reports whether the pairing is no longer under way.
func (p *poller) isOver() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// poll asks plex.tv about the pairing once and acts on the answer.
func (p *poller) poll(ctx context.Context) error {
	p.lastAsked = p.uptime()
	asked := p.record()
	p.correctExpiry(ctx)
	err := p.ask(ctx)
	if ctx.Err() == nil && !p.token.IsZero() {
		err = p.claim(ctx, asked)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !p.isOver():
		p.endInTime(ctx, err)
	case p.canForget(err):
		_ = p.saveOrKeep(ctx, p.ifKept(func(next *record, _ *Event) { next.forgetPairing(p.pairing.ID) }))
	}
	if err != nil {
		p.log.Debug("checking the PIN failed; trying again", "pin_id", p.pairing.ID, "error", err)
	}
	if !p.isOver() {
		_ = p.saveOrKeep(ctx, func(next *record, _ *Event) error {
			next.reportPlex(err)
			return nil
		})
	}
	return err
}

// endInTime ends the pairing under way when its time is over or plex.tv has no such
// PIN. What plex.tv may still have is only given up.
func (p *poller) endInTime(ctx context.Context, err error) {
	late := p.lastAsked >= p.deadline
	tooLate := p.lastAsked >= p.end()
	hopeless := err != nil && (!isInconclusive(err) || CodeOf(err) == StorageFailed)
	switch {
	case isPlexKind(err, plextv.Gone) && p.token.IsZero(), late && err == nil && p.lastAsked >= p.plexEnd:
		p.endAs(ctx, func(next *record, e *Event) { next.endPairing(PinTimedOut, e) })
	case !p.token.IsZero() && err != nil && (tooLate || late && hopeless):
		p.endAs(ctx, func(next *record, e *Event) { next.giveUp(PinFailed, e) })
	case p.token.IsZero() && (late && err == nil || tooLate):
		p.endAs(ctx, func(next *record, e *Event) { next.giveUp(PinTimedOut, e) })
	}
}

// canForget reports whether nobody can claim a pairing that was given up any more.
func (p *poller) canForget(err error) bool {
	conclusive := err == nil || !isInconclusive(err)
	return p.token.IsZero() && (isPlexKind(err, plextv.Gone) ||
		p.lastAsked >= p.plexEnd && conclusive || p.lastAsked >= p.plexEnd+forgetAfter)
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
		// Without plex.tv's time the box's own has to do: the answer tells plex.tv's.
		p.renewal.learnTime(ctx, p.device.identity(p.settings))
		var err error
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

// claim signs in with the claimed token, or revokes it if it must not be used. plex.tv
// may show the token only once, so it is on disk before anything else is asked. When
// plex.tv was asked the account was as in asked.
func (p *poller) claim(ctx context.Context, asked *record) error {
	if err := p.save(ctx, p.ifKept(func(next *record, _ *Event) { next.keepToken(p.pairing.ID, p.token) })); err != nil {
		return err
	}
	wanted := func(now *record) bool { // who came first: the claim, or who ended the pairing?
		underWay := asked.Pairing != nil && asked.Pairing.ID == p.pairing.ID
		return underWay && sameSignIn(asked.Auth, now.Auth) || !now.pairing(p.pairing.ID).Unwanted
	}
	now := p.record()
	if now.pairing(p.pairing.ID) != nil && !wanted(now) && now.owner() == nil {
		return p.revoke(ctx)
	}
	signedIn := &statefile.Auth{Token: p.token, IssuedAt: p.time.Now()}
	if p.device.key != nil {
		if err := p.checkToken(ctx, signedIn); err != nil {
			return err
		}
	}
	userCtx, cancel := timelimit.With(ctx, p.clock, userTimeout)
	defer cancel()
	user, err := p.plex.User(userCtx, p.device.identity(p.settings), p.token)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.log.Warn("signed in, but plex.tv has not named the user yet", "pin_id", p.pairing.ID, "error", err)
	}
	setUser(signedIn, user)
	used, unsure := false, err != nil && isInconclusive(err)
	err = p.save(ctx, p.ifKept(func(next *record, e *Event) {
		used = next.claim(p.pairing.ID, signedIn, wanted(next), p.now(), e)
	}))
	switch {
	case err != nil || used:
		return err
	case unsure: // it may be of who is signed in
		return errUnnamed
	}
	return p.revoke(ctx)
}

// errUnnamed says that plex.tv has not said whose token it is.
var errUnnamed = errorf(Unreachable, "plex.tv has not said who has claimed the PIN")

// revoke revokes a claimed token that must not be used, and forgets its pairing. It
// continues with the next question if plex.tv does not answer.
func (p *poller) revoke(ctx context.Context) error {
	held := p.record()
	if owner := held.owner(); owner == nil || !owner.Token.Equal(p.token) && !held.Auth.Token.Equal(p.token) {
		err := p.plex.SignOut(ctx, p.device.identity(p.settings), p.token)
		if err != nil && (isInconclusive(err) || ctx.Err() != nil) {
			return err
		}
		p.log.Info("somebody claimed a PIN that was given up: its token is revoked", "pin_id", p.pairing.ID)
	}
	return p.saveOrKeep(ctx, p.ifKept(func(next *record, _ *Event) { next.forgetPairing(p.pairing.ID) }))
}

// checkToken checks a token for the device key and takes its times from it. One
// that plex.tv has not signed is discarded: the next question about the PIN may
// be answered with a good one.
func (p *poller) checkToken(ctx context.Context, signedIn *statefile.Auth) error {
	claims, err := p.renewal.checkToken(ctx, p.device, p.settings, p.token)
	if errors.As(err, new(badToken)) {
		p.token = secret.String{}
		return errors.Join(err, p.save(ctx, p.ifKept(func(next *record, _ *Event) { next.keepToken(p.pairing.ID, p.token) })))
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
// was set, which happens soon after the start of a box without a battery. An unsteady
// clock costs one write a minute, not one for each question.
func (p *poller) correctExpiry(ctx context.Context) {
	const tolerance = 2 * time.Second
	want := p.wallTime().Add(p.deadline - p.uptime())
	shown := p.snapshot().Pairing
	if shown.ID == p.pairing.ID && shown.ExpiresAt.Sub(want).Abs() > tolerance && p.uptime() >= p.correctAt {
		p.correctAt = p.uptime() + time.Minute
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

// ifKept applies edit while plex.tv may still let somebody claim the pairing.
func (p *poller) ifKept(edit func(next *record, e *Event)) func(*record, *Event) error {
	return func(next *record, e *Event) error {
		if next.pairing(p.pairing.ID) == nil {
			return errNoPairing(p.pairing.ID)
		}
		edit(next, e)
		return nil
	}
}

func (p *poller) endAs(ctx context.Context, end func(next *record, e *Event)) {
	_ = p.saveOrKeep(ctx, p.ifCurrent(end))
}

func (p *poller) uptime() time.Duration { return p.time.Uptime() }

// paused returns the error with which plex.tv asked for a pause, while it lasts.
func (p *poller) paused() error {
	if p.uptime() < p.pauseUntil {
		return p.pauseErr
	}
	return nil
}

// end is when the pairing is given up.
func (p *poller) end() time.Duration {
	if !p.token.IsZero() {
		return p.deadline + claimTimeout
	}
	return p.deadline + lastAnswerTimeout
}
