// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

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
	poller   *poller // of the pairing under way; needs the lock
}

// request starts a pairing, or returns the one under way.
func (p *pairings) request(ctx context.Context, o PinOptions) (Pairing, error) {
	if shown := p.snapshot().Pairing; shown.ID != 0 && !o.Force {
		return shown, nil
	}
	return p.requests.do(ctx, p.life, o, func(ctx context.Context) (Pairing, error) {
		if err := p.awaitRevocation(ctx); err != nil {
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
		started.ExpiresAt = p.wallTime().Add(left)
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

// cancel ends the pairing with that number.
func (p *pairings) cancel(ctx context.Context, id uint64) error {
	return p.save(ctx, func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != id {
			return errNoPairing(id)
		}
		next.endPairing(PinCancelled, e)
		return nil
	})
}

// check asks plex.tv about the pairing with that number now.
func (p *pairings) check(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error) {
	if err := p.lock(ctx); err != nil { // so that the record and its poller match
		return false, time.Time{}, err
	}
	current := p.poller
	p.unlock()
	if current == nil || current.pairing.ID != id {
		past := p.record().ended.find(id)
		return past.Result == PinClaimed, past.expiresAt, errEnded(id, past.Result)
	}
	err = current.check(ctx)
	expiresAt = current.pairing.ExpiresAt
	if shown := p.snapshot().Pairing; shown.ID == id {
		expiresAt = shown.ExpiresAt // the box's clock may have been set
	}
	if result := current.result(); result != "" {
		return result == PinClaimed, expiresAt, errEnded(id, result)
	}
	return false, expiresAt, err
}

// follow stops the poller of a pairing that is no longer under way, and starts
// one for a pairing that has none. It needs the lock.
func (p *pairings) follow(r *record) {
	if p.poller != nil && (r.Pairing == nil || r.Pairing.ID != p.poller.pairing.ID) {
		p.poller.ended = r.ended.find(p.poller.pairing.ID).Result
		close(p.poller.over)
		p.poller.stop()
		p.poller = nil
	}
	if p.poller == nil && r.Pairing != nil {
		ctx, stop := context.WithCancel(plextv.Background(p.life))
		started := newPoller(p, r, stop)
		p.poller = started
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
