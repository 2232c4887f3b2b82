// SPDX-License-Identifier: Apache-2.0

package client

import "github.com/retune-tv/plexauthd/auth/status"

// Kind tells what an [Event] is.
type Kind string

// The kinds of events.
const (
	Snapshot    Kind = "snapshot"     // the daemon as it is: first of all, and whenever it is back
	Changed     Kind = "changed"      // properties have changed
	AuthChanged Kind = "auth-changed" // somebody signed in or out
	PinEnded    Kind = "pin-ended"    // a pairing is over
	Gone        Kind = "daemon-gone"  // no daemon is on the bus
)

// Reason says why somebody is signed in or is not any more.
type Reason = status.Reason

// The reasons of [AuthChanged].
const (
	ReasonSignedIn     = status.ReasonSignedIn
	ReasonSignedOut    = status.ReasonSignedOut
	ReasonRevoked      = status.ReasonRevoked
	ReasonExpired      = status.ReasonExpired
	ReasonUserSwitched = status.ReasonUserSwitched
	ReasonUserLocked   = status.ReasonUserLocked
)

// Result is how a pairing ended.
type Result = status.PinResult

// The results of [PinEnded].
const (
	PinClaimed   = status.PinClaimed
	PinTimedOut  = status.PinTimedOut
	PinCancelled = status.PinCancelled
	PinFailed    = status.PinFailed
)

// Event is something that a [Watch] has seen. It holds no secret.
type Event struct {
	Kind   Kind
	Status Status // the daemon's properties after the event; the zero value with Gone

	// With AuthChanged.
	Authenticated bool
	Reason        Reason

	// With PinEnded.
	PinID  uint64
	Result Result
}
