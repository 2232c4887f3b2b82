// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"fmt"
	"time"
)

// Kind says what a failed request means for its caller.
type Kind int

// The kinds of failure. Only Refused says that a token is not good.
const (
	// Unreachable: no answer, because of DNS, routing, TLS, a timeout or a
	// connection that broke.
	Unreachable Kind = iota + 1
	// RateLimited: status 429, whatever the body.
	RateLimited
	// ServerError: status 5xx, whatever the body.
	ServerError
	// InvalidResponse: an answer that plex.tv does not send: HTML, another
	// content type, a body cut off or over 1 MiB, a missing field, a redirect
	// elsewhere.
	InvalidResponse
	// Refused: plex.tv does not accept the token: status 401, or 422 that
	// says "Invalid token" (seen after signing out all devices).
	Refused
	// Forbidden: status 403, the token is good but not allowed this.
	Forbidden
	// Gone: status 404 or 410; of a PIN: unknown or expired.
	Gone
	// Rejected: plex.tv refuses with any other status, or the request has
	// values that cannot be sent (Status is 0 then).
	Rejected
	// Stale: status 498, the JWT is past its end and wants a refresh; of a
	// device JWT: the time in it was wrong.
	Stale
	// KeyUnknown: plex.tv knows no such key of this client, code 1097. Seen
	// after the device was removed from the account, and when a key was used
	// under another client identifier; at which status is not known.
	KeyUnknown
	// KeyTaken: plex.tv has the key already, from this device or another one.
	KeyTaken
	// PinRejected: the Plex Home user's PIN is wrong or missing, code 1041.
	PinRejected
)

// String describes the kind.
func (k Kind) String() string {
	switch k {
	case Unreachable:
		return "unreachable"
	case RateLimited:
		return "rate limited"
	case ServerError:
		return "server error"
	case InvalidResponse:
		return "invalid response"
	case Refused:
		return "refused"
	case Forbidden:
		return "forbidden"
	case Gone:
		return "gone"
	case Rejected:
		return "rejected"
	case Stale:
		return "expired"
	case KeyUnknown:
		return "device key unknown"
	case KeyTaken:
		return "device key taken"
	case PinRejected:
		return "PIN rejected"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Error is a request that failed. Its text holds no URL, id, PIN, token or
// body, only plex.tv's own message, made printable and cut to 200 characters.
type Error struct {
	Op   string // what was tried
	Kind Kind
	// Status is that of HTTP, 0 if there was no whole answer or nothing was
	// asked.
	Status int
	// Code is plex.tv's own, such as 1020 for an expired PIN; 0 if none.
	Code int
	// RetryAfter is how long plex.tv asks to wait, at most 1 h; 0 if it
	// does not. With RateLimited it is never 0: for so long the [Client]
	// asks nothing.
	RetryAfter time.Duration
	// ClockSuspect is set if the certificate is not valid at the box's time:
	// the clock is more likely wrong than the certificate.
	ClockSuspect bool
	Err          error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Op, e.Kind, e.Err) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
