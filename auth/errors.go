// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/status"
)

// Code is the kind of failure that a frontend decides on. On D-Bus it is the
// last part of the error name.
type Code = status.Code

// The failures an [Account] reports.
const (
	AuthRequired    = status.AuthRequired
	AuthInvalid     = status.AuthInvalid
	Forbidden       = status.Forbidden
	PinExpired      = status.PinExpired
	PinRejected     = status.PinRejected
	NoServerToken   = status.NoServerToken
	NotFound        = status.NotFound
	RateLimited     = status.RateLimited
	Unreachable     = status.Unreachable
	ServerError     = status.ServerError
	InvalidResponse = status.InvalidResponse
	StorageFailed   = status.StorageFailed
	InvalidArgs     = status.InvalidArgs
	UserLocked      = status.UserLocked
)

// Error is a failure with its [Code]. Its text says what was tried and never
// holds a secret.
type Error struct {
	Code Code
	Text string
	Err  error // the cause, or nil
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the [Code] of err, or "" for an error that has none, such as a
// cancelled context.
func CodeOf(err error) Code {
	var own *Error
	if errors.As(err, &own) {
		return own.Code
	}
	var plex *plextv.Error
	if errors.As(err, &plex) {
		return codeOfPlex(plex)
	}
	// The caller's deadline passed while plex.tv was being asked.
	if errors.Is(err, context.DeadlineExceeded) {
		return Unreachable
	}
	return ""
}

func codeOfPlex(err *plextv.Error) Code {
	switch err.Kind {
	case plextv.Refused, plextv.Stale, plextv.KeyUnknown:
		return AuthInvalid
	case plextv.Forbidden:
		return Forbidden
	case plextv.PinRejected:
		return PinRejected
	case plextv.RateLimited:
		return RateLimited
	case plextv.ServerError:
		return ServerError
	case plextv.Unreachable:
		return Unreachable
	default:
		// A 404, too: for a PIN it ends the pairing and does not get here.
		return InvalidResponse
	}
}

// isPlexKind reports whether err is plex.tv's answer of that kind.
func isPlexKind(err error, kind plextv.Kind) bool {
	var plex *plextv.Error
	return errors.As(err, &plex) && plex.Kind == kind
}

// isInconclusive reports whether err says nothing about a token or a device key:
// plex.tv could not be reached, has a fault, or was not understood.
func isInconclusive(err error) bool {
	var plex *plextv.Error
	if !errors.As(err, &plex) {
		return !errors.Is(err, errOtherAccount) && !errors.Is(err, errNoHomeUser) && !errors.Is(err, errProtected)
	}
	switch plex.Kind {
	case plextv.Unreachable, plextv.ServerError, plextv.RateLimited, plextv.InvalidResponse:
		return true
	}
	return false
}

// isUndelivered reports whether, as far as the error shows, plex.tv has not seen
// the request: there was no route, or something else answered.
func isUndelivered(err error) bool {
	return isPlexKind(err, plextv.Unreachable) || isPlexKind(err, plextv.InvalidResponse)
}

// retryAfter is the pause that plex.tv asks for when it is overloaded or limits
// the rate; 0 for none.
func retryAfter(err error) time.Duration {
	var plex *plextv.Error
	if errors.As(err, &plex) && (plex.Kind == plextv.RateLimited || plex.Kind == plextv.ServerError) {
		return plex.RetryAfter
	}
	return 0
}

// plexProblem says, for people to read, why plex.tv did not answer; "" if it did.
func plexProblem(err error) string {
	var plex *plextv.Error
	if errors.As(err, &plex) && plex.ClockSuspect {
		return "the clock of this box may be wrong"
	}
	switch CodeOf(err) {
	case Unreachable:
		return "plex.tv cannot be reached"
	case RateLimited:
		return "plex.tv is busy"
	case ServerError:
		return "plex.tv has a fault"
	case InvalidResponse:
		return "something else answers in plex.tv's place, perhaps a captive portal"
	default:
		return ""
	}
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// isRefusal reports whether plex.tv has refused a token or the device key for it.
func isRefusal(err error) bool {
	return isPlexKind(err, plextv.Refused) || isPlexKind(err, plextv.Stale) ||
		isPlexKind(err, plextv.KeyUnknown) || errors.Is(err, errOtherAccount)
}

// errNoHomeUser says that plex.tv's list of the home's users lacks one.
var errNoHomeUser = errorf(NotFound, "the Plex Home has no such user")

// errNoHome says that plex.tv knows of no home of the account, or lists nobody in it.
var errNoHome = errorf(NotFound, "the account is in no Plex Home")

// errUnreadUser says that the list lacks one, but that not all of it could be read.
var errUnreadUser = errorf(InvalidResponse, "plex.tv's list of the Plex Home's users cannot be read in full, and the rest lacks this user")

// errProtected says that a new token of a home user needs the PIN.
var errProtected = errorf(UserLocked, "the user of the Plex Home is protected by a PIN")

// errOtherAccount says that plex.tv ties the device key to another account.
var errOtherAccount = errorf(AuthInvalid, "plex.tv returned a token of another account for the device key of this box")

// errMoved says that the answer is of an address of plex.tv that is no longer in use.
var errMoved = errorf(Unreachable, "the address of plex.tv has changed meanwhile: try again")

func errSignedOut() *Error { return errorf(AuthRequired, "nobody is signed in to Plex on this box") }

func errNoPairing(id uint64) *Error { return errorf(NotFound, "there is no pairing %d", id) }

func errStorage(err error) *Error {
	return &Error{Code: StorageFailed, Text: "saving the state", Err: err}
}
