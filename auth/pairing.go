package auth

import (
	"context"
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
	identity, interrupted := plextv.Identity{}, uint64(0)
	err := a.change(ctx, func(next *record, _ *Event) error {
		identity = next.identity()
		if next.Pairing != nil {
			interrupted = next.Pairing.ID
		}
		return nil
	})
	if err != nil {
		return Pairing{}, err
	}
	asked := a.clock.Now()
	pin, err := a.plex.RequestPin(ctx, identity, o.Strong)
	if err != nil {
		return Pairing{}, err
	}
	started := &statefile.Pairing{
		ID: newPairingID(), PlexID: pin.ID, Code: pin.Code, Strong: o.Strong,
	}
	err = a.change(ctx, func(next *record, e *Event) error {
		if p := next.Pairing; p != nil && (!o.Force || p.ID != interrupted) {
			started = p // somebody else was faster: everybody shows the same code
			return nil
		}
		if next.Pairing != nil {
			e.PinEnd = &PinEnd{ID: next.Pairing.ID, Result: PinCancelled}
		}
		// The time the request took is the PIN's own time already.
		started.ExpiresAt = asked.Add(min(pin.ExpiresIn, next.settings.PairingTimeout))
		next.Pairing = started
		return nil
	})
	if err != nil {
		return Pairing{}, err
	}
	return pairingView(identity, started), nil
}

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
	if over := poll.ended(); over != "" {
		return over == PinClaimed, poll.pairing.ExpiresAt, errOfEnded(id, over)
	}
	return false, poll.pairing.ExpiresAt, err
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
	next.Pairing = nil
}
