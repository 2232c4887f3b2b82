// SPDX-License-Identifier: Apache-2.0

// Package status has the words for how the account is and what went wrong. The
// daemon sends them on the bus, and clients decide on them.
package status

// State is how the box stands with plex.tv, in one word.
type State string

// The states. A pairing under way is a state of its own only while no good token is
// held: somebody who adds a second account is still signed in.
const (
	SignedOut  State = "signed-out"
	PairingNow State = "pairing"
	SignedIn   State = "signed-in"
	// Unverified: a token is held; plex.tv could not be asked about it since the
	// daemon started, or has refused it, but not for long enough to be believed.
	Unverified State = "unverified"
	Expired    State = "expired" // plex.tv refused the token: sign in again
	Locked     State = "locked"  // the home user in use has to enter the PIN again
)

// Mode is how the daemon authenticates at plex.tv.
type Mode string

// The modes.
const (
	ModeLegacy Mode = "legacy" // an opaque token that plex.tv issues for a PIN
	ModeJWT    Mode = "jwt"    // short-lived tokens that are bound to a device key
)

// Reason says why the account is signed in or is not any more, or why the user changed.
type Reason string

// The reasons of AuthChanged.
const (
	ReasonSignedIn     Reason = "signed-in"
	ReasonSignedOut    Reason = "signed-out"
	ReasonRevoked      Reason = "revoked"       // plex.tv refused a token that had time left, or no known end
	ReasonExpired      Reason = "expired"       // plex.tv refused a token past its expiry
	ReasonUserSwitched Reason = "user-switched" // another user of the Plex Home is using the box
	ReasonUserLocked   Reason = "user-locked"   // the home user in use has to enter the PIN again
)

// PinResult is how a pairing ended.
type PinResult string

// The results of PinEnded.
const (
	PinClaimed   PinResult = "claimed"
	PinTimedOut  PinResult = "expired"
	PinCancelled PinResult = "cancelled"
	PinFailed    PinResult = "failed"
)

// Code is the kind of failure that a frontend decides on. On D-Bus it is the last
// part of the error name.
type Code string

// The failures of an account.
const (
	AuthRequired    Code = "AuthRequired"    // nobody is signed in
	AuthInvalid     Code = "AuthInvalid"     // plex.tv refused the token
	Forbidden       Code = "Forbidden"       // plex.tv knows the token and does not allow this
	PinExpired      Code = "PinExpired"      // the pairing ran out of time
	PinRejected     Code = "PinRejected"     // the home user's PIN is wrong or missing
	NoServerToken   Code = "NoServerToken"   // plex.tv gives no token for this media server
	NotFound        Code = "NotFound"        // there is no such pairing, media server or home user
	RateLimited     Code = "RateLimited"     // plex.tv wants fewer requests, or too many home PINs were wrong
	Unreachable     Code = "Unreachable"     // plex.tv: no route, DNS, TLS, timeout
	ServerError     Code = "ServerError"     // plex.tv has a fault (5xx)
	InvalidResponse Code = "InvalidResponse" // what answered is not plex.tv, such as a captive portal
	StorageFailed   Code = "StorageFailed"   // the state could not be written; the old one is whole
	InvalidArgs     Code = "InvalidArgs"     // an argument is wrong or out of range
	UserLocked      Code = "UserLocked"      // the home user in use has to enter the PIN again
)
