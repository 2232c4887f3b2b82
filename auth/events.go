// SPDX-License-Identifier: Apache-2.0

package auth

import "github.com/retune-tv/plexauthd/auth/status"

// Reason says why Authenticated or the signed-in user changed.
type Reason = status.Reason

// The reasons of an [AuthChange].
const (
	ReasonSignedIn     = status.ReasonSignedIn
	ReasonSignedOut    = status.ReasonSignedOut
	ReasonRevoked      = status.ReasonRevoked
	ReasonExpired      = status.ReasonExpired
	ReasonUserSwitched = status.ReasonUserSwitched
	ReasonUserLocked   = status.ReasonUserLocked
)

// PinResult is how a pairing ended.
type PinResult = status.PinResult

// The results of a [PinEnd].
const (
	PinClaimed   = status.PinClaimed
	PinTimedOut  = status.PinTimedOut
	PinCancelled = status.PinCancelled
	PinFailed    = status.PinFailed
)

// AuthChange tells that somebody signed in or out, or that the user changed.
type AuthChange struct {
	Authenticated bool
	Reason        Reason
}

// PinEnd tells that a pairing has ended.
type PinEnd struct {
	ID     uint64
	Result PinResult
}

// Event is one change of the account, sent once it is durable. It holds no secret
// except in Snapshot.
type Event struct {
	Snapshot *Snapshot   // the account after the change
	Auth     *AuthChange // nil when nobody signed in or out
	PinEnd   *PinEnd     // nil when no pairing ended

	cause error // the refusal that led to Auth, for the log; or nil
}

// isQuiet reports whether the event is for nobody in particular: nobody signed in or
// out and no pairing ended.
func (e Event) isQuiet() bool { return e.Auth == nil && e.PinEnd == nil }
