// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func invalidArg(name, problem string) error {
	return dbus.NewError(names.ErrInvalidArgs, []any{fmt.Sprintf("%s: %s", name, problem)})
}

func accessDenied(format string, args ...any) error {
	return dbus.NewError(names.ErrAccessDenied, []any{fmt.Sprintf(format, args...)})
}

func unknown(name, what string, which []byte) error {
	return dbus.NewError(name, []any{fmt.Sprintf("there is no %s %.100s", what, which)})
}

// errPlexSilent is the error of a call that has waited for plex.tv for
// answerTimeout.
var errPlexSilent = &auth.Error{
	Code: auth.Unreachable, Text: fmt.Sprintf("plex.tv did not answer within %v", answerTimeout),
}

// failure is the reply for err.
func failure(err error) bus.Reply {
	named := busError(err)
	return bus.Failure(named.Name, named.Error())
}

// busError gives err the name it has on the bus.
func busError(err error) *dbus.Error {
	var named *dbus.Error
	if errors.As(err, &named) {
		return named
	}
	text := err.Error()
	switch code := auth.CodeOf(err); {
	case code == auth.InvalidArgs:
		return dbus.NewError(names.ErrInvalidArgs, []any{text})
	case code != "":
		return dbus.NewError(names.ErrorPrefix+string(code), []any{text})
	default:
		return dbus.NewError(names.ErrFailed, []any{text})
	}
}
