package auth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// PinOptions choose what [Account.RequestPin] asks for.
type PinOptions struct {
	Strong bool // a long code for the QR route instead of one that a person types
	Force  bool // end a pairing under way and start anew
}

// RequestPin starts a pairing, or returns the one under way unless o.Force, so
// that two frontends show the same code. From then on the account itself asks
// plex.tv about the PIN until it is claimed, expires or is cancelled.
//
// Callers that come while a PIN is being asked for share the answer. Without a
// store that takes the pairing it fails with [StorageFailed], because the
// sign-in could not be kept either.
func (a *Account) RequestPin(ctx context.Context, o PinOptions) (Pairing, error) {
	if p := a.Snapshot().Pairing; p.ID != 0 && !o.Force {
		return p, nil
	}
	return a.pins.do(ctx, a.life, fmt.Sprint(o), func(ctx context.Context) (Pairing, error) {
		return a.startPairing(ctx, o)
	})
}

func (a *Account) startPairing(ctx context.Context, o PinOptions) (Pairing, error) {
	var own, asking unit
	var settings Settings
	var interrupted uint64
	var made error
	if err := a.signedOutAtPlex(ctx); err != nil {
		return Pairing{}, err
	}
	err := a.look(ctx, func(r *record) {
		own, settings = r.unit(), r.settings
		asking, made = r.unitForPin(a.time.Now())
		if r.Pairing != nil {
			interrupted = r.Pairing.ID
		}
	})
	if err := errors.Join(err, made); err != nil {
		return Pairing{}, err
	}
	asked := a.time.Uptime()
	pin, err := a.requestPin(ctx, asking, settings, o.Strong)
	if asking.key != nil && asking.clientID == own.clientID && (isPlexKind(err, plextv.Rejected) || isPlexKind(err, plextv.KeyTaken)) {
		// Whether plex.tv takes a key for a second PIN is not known.
		if asking, err = newUnit(a.time.Now()); err != nil {
			return Pairing{}, err
		}
		pin, err = a.requestPin(ctx, asking, settings, o.Strong)
	}
	if err != nil {
		return Pairing{}, err
	}
	// The time the request took is the PIN's own time already.
	left := min(pin.ExpiresIn, settings.PairingTimeout) - (a.time.Uptime() - asked)
	started := newPairing(pin, asking, o.Strong)
	started.ExpiresAt = a.wallTime().Add(left)
	return a.takePairing(ctx, started, o.Force, interrupted)
}

// signedOutAtPlex waits until plex.tv has heard of a sign-out, or that was given
// up. A sign-out takes the device key with it at plex.tv: what was begun with that
// key before would never give a token.
func (a *Account) signedOutAtPlex(ctx context.Context) error {
	var told <-chan struct{}
	if err := a.look(ctx, func(r *record) { told = r.plexTold }); err != nil || told == nil {
		return err
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newPairing(pin plextv.Pin, asking unit, strong bool) *statefile.Pairing {
	p := &statefile.Pairing{ID: newPairingID(), PlexID: pin.ID, Code: pin.Code, Strong: strong, ClientID: asking.clientID}
	if asking.key != nil {
		p.Kid, p.PrivateKey = asking.key.Kid, asking.key.PrivateKey
	}
	return p
}

// takePairing makes started the pairing under way, unless there is another than
// the one that force interrupts.
func (a *Account) takePairing(ctx context.Context, started *statefile.Pairing, force bool, interrupted uint64) (Pairing, error) {
	var shown Pairing
	err := a.change(ctx, func(next *record, e *Event) error {
		if p := next.Pairing; p == nil || force && p.ID == interrupted {
			if p != nil {
				e.PinEnd = &PinEnd{ID: p.ID, Result: PinCancelled}
			}
			next.Pairing = started
		} // else somebody was faster: everybody shows the same code
		shown = pairingView(next.unitOf(next.Pairing).identity(next.settings), next.Pairing)
		return nil
	})
	if err != nil {
		return Pairing{}, err
	}
	return shown, nil
}

// wallTime is the box's own time, for people and for what reads it from the disk.
// It is without the monotonic part, which would hide that the clock was set.
func (a *Account) wallTime() time.Time { return a.clock.Now().Round(0) }

// newPairingID is random, so that a number from before a restart never means
// another pairing after it, and below 2^31, so that every language can hold it.
func newPairingID() uint64 { return 1 + uint64(rand.Uint32()>>1) }

// CancelPin ends the pairing with that number. It returns a [NotFound] error
// if it is not the one under way.
func (a *Account) CancelPin(ctx context.Context, id uint64) error {
	return a.change(ctx, func(next *record, e *Event) error {
		if next.Pairing == nil || next.Pairing.ID != id {
			return errNoPairing(id)
		}
		endPairing(next, e, PinCancelled)
		return nil
	})
}

// CheckPin asks plex.tv now about the pairing with that number. claimed means
// that the credentials are stored. A pairing that has ended is remembered for
// a while: [PinExpired] if it ran out of time, [NotFound] if it was cancelled,
// failed or is not known.
func (a *Account) CheckPin(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error) {
	if err := a.takeTurn(ctx); err != nil {
		return false, time.Time{}, err
	}
	poll, over := a.poll, a.pastPairing(id)
	a.endTurn()
	if poll == nil || poll.pairing.ID != id {
		return over.Result == PinClaimed, over.expiresAt, errOfEnded(id, over.Result)
	}
	err = poll.check(ctx)
	expiresAt = poll.pairing.ExpiresAt
	if shown := a.Snapshot().Pairing; shown.ID == id {
		expiresAt = shown.ExpiresAt // the box's clock may have been set
	}
	if over := poll.ended(); over != "" {
		return over == PinClaimed, expiresAt, errOfEnded(id, over)
	}
	return false, expiresAt, err
}

// endedPairing is a pairing that is over.
type endedPairing struct {
	PinEnd
	expiresAt time.Time
}

// pastPairing gives the pairing that has ended, or none. It needs the turn.
func (a *Account) pastPairing(id uint64) endedPairing {
	for _, past := range a.ended {
		if past.ID == id {
			return past
		}
	}
	return endedPairing{}
}

func errOfEnded(id uint64, result PinResult) error {
	switch result {
	case PinClaimed:
		return nil
	case PinTimedOut:
		return errorf(PinExpired, "pairing %d has run out of time: ask for a new PIN", id)
	default:
		return errNoPairing(id)
	}
}

func errNoPairing(id uint64) error { return errorf(NotFound, "there is no pairing %d", id) }

func endPairing(next *record, e *Event, result PinResult) {
	e.PinEnd = &PinEnd{ID: next.Pairing.ID, Result: result}
	next.Pairing, next.trouble = nil, ""
}
