// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/status"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Code is the kind of a failure.
type Code = status.Code

// Failures that the daemon reports; on the bus they are the last part of the
// error name.
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

// Failures on the way to the daemon.
const (
	AccessDenied Code = "AccessDenied" // this user may not call; members of the group plexauth may
	NotRunning   Code = "NotRunning"   // no daemon is on the bus, and the bus cannot start it
	NoReply      Code = "NoReply"      // the daemon ended before it answered; what was asked may have been done
	Disconnected Code = "Disconnected" // there is no connection to the bus
	Failed       Code = "Failed"       // anything else
)

// Error is a failure with its [Code]. It never holds a secret.
type Error struct {
	Code    Code
	Name    string // the D-Bus error name; empty if it is not from the bus
	Message string
	unit    *Unit
	cause   error
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf gives the [Code] of an error of this package, or "" for another one,
// such as that of a context that has ended.
func CodeOf(err error) Code {
	var own *Error
	if errors.As(err, &own) {
		return own.Code
	}
	return ""
}

// UnitOf gives what systemd says of a daemon that does not run, if the code of err
// is [NotRunning] and systemd is what would start it; nil otherwise.
func UnitOf(err error) *Unit {
	var own *Error
	if errors.As(err, &own) {
		return own.unit
	}
	return nil
}

// callError turns what ended a call into the error that callers get.
func callError(ctx context.Context, member string, err error) error {
	var own *Error
	var named dbus.Error
	var format dbus.FormatError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &named):
		return &Error{Code: codeOfName(named.Name), Name: named.Name, Message: named.Error()}
	case ctx.Err() != nil:
		return fmt.Errorf("calling %s: %w", member, ctx.Err())
	case errors.As(err, &format):
		return &Error{Code: InvalidArgs, Message: fmt.Sprintf("calling %s: %v", member, err), cause: err}
	default:
		return disconnected(err)
	}
}

func disconnected(cause error) *Error {
	return &Error{Code: Disconnected, Message: "the connection to the bus has ended", cause: cause}
}

func codeOfName(name string) Code {
	if own, ok := strings.CutPrefix(name, names.ErrorPrefix); ok {
		return Code(own)
	}
	standard := strings.TrimPrefix(name, names.StandardErrorPrefix)
	switch code := Code(standard); {
	case slices.Contains([]Code{InvalidArgs, AccessDenied, NoReply}, code):
		return code
	case standard == "InteractiveAuthorizationRequired":
		return AccessDenied
	// Nobody has the name, and the bus or systemd failed to start who should.
	case slices.Contains([]string{"ServiceUnknown", "NameHasNoOwner", "TimedOut"}, standard),
		strings.HasPrefix(standard, "Spawn."), strings.HasPrefix(name, systemd+"."):
		return NotRunning
	default:
		return Failed
	}
}
