package auth

import (
	"context"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// moveAgainAfter is the pause after plex.tv would not bind a token to the key.
const moveAgainAfter = 24 * time.Hour

// wantsMove reports whether the token that is held is to be replaced by one that
// is bound to a device key. A pairing under way goes first: it was asked for with
// the unit as it is.
func (r *record) wantsMove() bool {
	holder := r.holder()
	return r.settings.Mode == ModeJWT && holder != nil && r.Pairing == nil && !r.refused() &&
		!isJWT(holder.Token)
}

// move takes a box with an opaque token over to a device key, without a person.
// Plex documents the steps: make a key, bind it to the token's device, exchange a
// proof of the key for a token; the last one ends the opaque token. The key is on
// disk before plex.tv hears of it, so wherever this stops there is one credential
// that works, and the next try goes on from there.
func (a *Account) move(ctx context.Context) error {
	var u unit
	var settings Settings
	var holder *statefile.Auth
	unheard := false // plex.tv cannot know the key
	if err := a.signedOutAtPlex(ctx); err != nil {
		return err
	}
	err := a.change(ctx, func(next *record, _ *Event) (err error) {
		if !next.wantsMove() {
			return nil
		}
		if next.DeviceKey == nil {
			unheard = true
			next.DeviceKey, err = newDeviceKey(a.time.Now())
		}
		u, settings, holder = next.unit(), next.settings, next.holder()
		return err
	})
	if err != nil || holder == nil {
		return err
	}
	if !unheard {
		// The answer to an earlier exchange may have been lost: then the opaque
		// token is dead already and the key is all there is.
		if err = a.renew(ctx); err == nil || saysNothing(err) {
			return err
		}
	}
	jwk, err := u.jwk()
	if err != nil {
		return err
	}
	err = a.plex.RegisterKey(ctx, u.identity(settings), holder.Token, jwk)
	if err == nil || isPlexKind(err, plextv.KeyTaken) {
		err = a.renew(ctx)
	}
	return err
}

// tryMove is move for the keeper: what plex.tv will not do today is left for
// tomorrow, and the opaque token stays in use.
func (k *keeper) tryMove(ctx context.Context) error {
	a := k.account
	var moved secret.String
	if err := a.look(ctx, func(r *record) {
		if holder := r.holder(); holder != nil {
			moved = holder.Token
		}
	}); err != nil {
		return err
	}
	err := a.move(ctx)
	switch {
	case err == nil:
		if s := a.Snapshot(); s.Mode == ModeJWT && s.Credentials != nil {
			a.log.Info("moved to a device key: the token is bound to this box from now on",
				"message_id", MessageMoved, "user_id", s.Credentials.UserID)
		}
	case !saysNothing(err):
		k.moveAt, k.unmoved = a.time.Uptime()+moveAgainAfter, moved
		a.log.Warn("plex.tv would not bind the token to a device key; trying again tomorrow",
			"message_id", MessageNotMoved, "error", err, httpStatus(err))
		if isPlexKind(err, plextv.Refused) {
			return a.verifyStored(ctx) // it may be the token that is refused
		}
		return nil
	}
	return err
}
