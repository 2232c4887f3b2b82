// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"time"

	"github.com/google/uuid"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// discardKeyless ends a sign-in whose device key is gone from the disk: its token
// could not be renewed, and plex.tv gives its client identifier no other. What
// remains tells people who has to sign in again.
func (r *record) discardKeyless(now time.Time) (discarded bool) {
	if !r.keyless() {
		return false
	}
	ended := *r.owner()
	if ended.RefusedAt.IsZero() {
		ended.RefusedAt = now
	}
	r.State = statefile.State{ClientID: uuid.NewString(), Auth: &ended, HomePin: r.HomePin}
	return true
}

// noteKey is for a state from before it said which key a token is bound to.
func (r *record) noteKey() {
	owner := r.owner()
	if owner == nil || owner.Kid != "" || !isJWT(owner.Token) {
		return
	}
	switch {
	case r.DeviceKey != nil:
		owner.Kid = r.DeviceKey.Kid
	case r.ClientID == "": // lost together with a damaged key
		owner.Kid = "lost"
	}
}

// addKey makes a device key if there is none.
func (r *record) addKey(now time.Time) (added bool, err error) {
	if r.DeviceKey == nil {
		r.DeviceKey, err = newDeviceKey(now)
		return true, err
	}
	return false, nil
}
