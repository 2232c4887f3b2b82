// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/auth/timelimit"
)

// lastQuestionTimeout is how long somebody who ends a pairing waits for plex.tv.
const lastQuestionTimeout = 2 * time.Second

// PinOptions choose what [Account.RequestPin] asks for.
type PinOptions struct {
	Strong bool // a long code for the QR route instead of one that a person types
	Force  bool // cancel a pairing under way and start another
}

// pairings are the sign-ins with a PIN, one at a time.
type pairings struct {
	*ledger
	plex     *plextv.Client
	renewal  *renewal
	requests flight[PinOptions, Pairing]
	pollers  map[uint64]*poller // of the pairing under way and of those given up; needs the lock
}

// request starts a pairing, or returns the one under way.
func (p *pairings) request(ctx context.Context, o PinOptions) (Pairing, error) {
	if shown := p.snapshot().Pairing; shown.ID != 0 && !o.Force {
		return shown, nil
	}
	return p.requests.do(ctx, p.life, o, func(ctx context.Context) (Pairing, error) {
		if err := errors.Join(p.awaitRevocation(ctx), p.askOnceMore(ctx, o.Force)); err != nil {
			return Pairing{}, err
		}
		r, requestedAt := p.record(), p.time.Uptime()
		pin, d, err := p.requestPin(ctx, r, o.Strong)
		if err != nil {
			return Pairing{}, err
		}
		// The PIN has been running since it was requested.
		left := min(pin.ExpiresIn, r.settings.PairingTimeout) - (p.time.Uptime() - requestedAt)
		started := newPairing(pin, d, o.Strong)
		started.PlexURL = r.PlexURL
		started.ExpiresAt = p.wallTime().Add(left)
		started.PlexExpiresAt = p.wallTime().Add(pin.ExpiresIn - (p.time.Uptime() - requestedAt))
		return p.begin(ctx, started, o.Force, r.Pairing)
	})
}

// requestPin asks plex.tv for a PIN and returns it with its device.
func (p *pairings) requestPin(ctx context.Context, r *record, strong bool) (pin plextv.Pin, d device, err error) {
	if d, err = r.deviceForPin(p.time.Now()); err != nil {
		return pin, d, err
	}
	pin, err = p.requestPinFor(ctx, d, r.settings, strong)
	if d.key != nil && d.clientID == r.ClientID && (isPlexKind(err, plextv.Rejected) || isPlexKind(err, plextv.KeyTaken)) {
		// It is not documented whether plex.tv accepts a key for a second PIN.
		if d, err = newDevice(p.time.Now()); err != nil {
			return pin, d, err
		}
		pin, err = p.requestPinFor(ctx, d, r.settings, strong)
	}
	return pin, d, err
}

func (p *pairings) requestPinFor(ctx context.Context, d device, settings Settings, strong bool) (plextv.Pin, error) {
	jwk, err := d.jwk()
	if err != nil {
		return plextv.Pin{}, err
	}
	return p.plex.RequestPin(ctx, d.identity(settings), jwk, strong)
}

func newPairing(pin plextv.Pin, d device, strong bool) *statefile.Pairing {
	// The number is random, so that one from before a restart never means another
	// pairing after it, and below 2^31, so that every language can hold it.
	id := 1 + uint64(rand.Uint32()>>1)
	p := &statefile.Pairing{ID: id, PlexID: pin.ID, Code: pin.Code, Strong: strong, ClientID: d.clientID}
	if d.key != nil {
		p.Kid, p.PrivateKey = d.key.Kid, d.key.PrivateKey
	}
	return p
}

// begin makes started the pairing under way, unless there is one other than the
// one that force replaces.
func (p *pairings) begin(ctx context.Context, started *statefile.Pairing, force bool, replaced *statefile.Pairing) (Pairing, error) {
	var shown Pairing
	err := p.save(ctx, func(next *record, e *Event) error {
		if started.PlexURL != next.PlexURL {
			return errMoved
		}
		if now := next.Pairing; now == nil || force && replaced != nil && now.ID == replaced.ID {
			next.startPairing(started, e)
		} // else somebody was faster: both callers get the same code
		shown = pairingView(next.deviceOf(next.Pairing).identity(next.settings), next.Pairing)
		return nil
	})
	if err != nil {
		return Pairing{}, err
	}
	return shown, nil
}

// cancel ends the pairing with that number, unless somebody has claimed it.
func (p *pairings) cancel(ctx context.Context, id uint64) error {
	if shown := p.snapshot().Pairing; shown.ID != id || id == 0 {
		return errNoPairing(id)
	}
	if err := p.askOnceMore(ctx, true); err != nil {
		return err
	}
	return p.save(ctx, func(next *record, e *Event) error {
		if now := next.Pairing; now != nil && now.ID == id && now.Token.IsZero() {
			next.giveUp(PinCancelled, e)
		} // else it has just ended, or ends with a sign-in
		return nil
	})
}

// askOnceMore asks plex.tv about the pairing under way before a caller ends it: a
// claim that came first wins. What is answered too late is not lost, see
// [poller.claim].
func (p *pairings) askOnceMore(ctx context.Context, ends bool) error {
	if !ends {
		return nil
	}
	if err := p.lock(ctx); err != nil {
		return err
	}
	current := p.pollers[p.snapshot().Pairing.ID]
	p.unlock()
	if current == nil {
		return nil
	}
	limited, cancel := timelimit.With(ctx, p.clock, lastQuestionTimeout)
	defer cancel()
	_ = current.check(limited, true)
	return ctx.Err()
}

// check asks plex.tv about the pairing with that number now.
func (p *pairings) check(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error) {
	if err := p.lock(ctx); err != nil { // so that the record and its poller match
		return false, time.Time{}, err
	}
	current := p.pollers[id]
	p.unlock()
	if current == nil || current.isOver() {
		past := p.record().ended.find(id)
		return past.Result == PinClaimed, past.expiresAt, errEnded(id, past.Result)
	}
	err = current.check(ctx, false)
	expiresAt = current.pairing.ExpiresAt
	if shown := p.snapshot().Pairing; shown.ID == id {
		expiresAt = shown.ExpiresAt // the box's clock may have been set
	}
	if current.isOver() {
		return current.ended == PinClaimed, expiresAt, errEnded(id, current.ended)
	}
	return false, expiresAt, err
}

// follow tells the poller of a pairing that is no longer under way, stops those that
// have nothing to ask any more, and starts one for each pairing that has none. It
// needs the lock.
func (p *pairings) follow(r *record) {
	for id, poller := range p.pollers {
		if (r.Pairing == nil || r.Pairing.ID != id) && !poller.isOver() {
			poller.ended = r.ended.find(id).Result
			close(poller.over)
		}
		if r.pairing(id) == nil {
			poller.stop()
			poller.timer.Stop()
			delete(p.pollers, id)
		}
	}
	for _, pairing := range r.pairings() {
		if p.pollers[pairing.ID] != nil {
			continue
		}
		ctx, stop := context.WithCancel(plextv.Background(p.life))
		started := newPoller(p, r, pairing, stop)
		p.pollers[pairing.ID] = started
		p.work.Go(func() { started.run(ctx) })
	}
}

func errEnded(id uint64, result PinResult) error {
	switch result {
	case PinClaimed:
		return nil
	case PinTimedOut:
		return errorf(PinExpired, "pairing %d has expired: request a new PIN", id)
	default:
		return errNoPairing(id)
	}
}
