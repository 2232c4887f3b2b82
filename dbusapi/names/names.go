// SPDX-License-Identifier: Apache-2.0

// Package names has what clients and the daemon must spell alike on the bus.
package names

import _ "embed"

// Where the daemon is found.
const (
	Bus  = "tv.retune.PlexAuth1"
	Path = "/tv/retune/PlexAuth1"
)

// The daemon's interfaces.
const (
	Main        = "tv.retune.PlexAuth1"
	Credentials = "tv.retune.PlexAuth1.Credentials"
	Home        = "tv.retune.PlexAuth1.Home"
)

// ErrorPrefix begins the names of the daemon's own errors.
const ErrorPrefix = "tv.retune.PlexAuth1.Error."

// Errors that the D-Bus specification names.
const (
	ErrInvalidArgs      = "org.freedesktop.DBus.Error.InvalidArgs"
	ErrAccessDenied     = "org.freedesktop.DBus.Error.AccessDenied"
	ErrFailed           = "org.freedesktop.DBus.Error.Failed"
	ErrUnknownObject    = "org.freedesktop.DBus.Error.UnknownObject"
	ErrUnknownMethod    = "org.freedesktop.DBus.Error.UnknownMethod"
	ErrUnknownInterface = "org.freedesktop.DBus.Error.UnknownInterface"
	ErrUnknownProperty  = "org.freedesktop.DBus.Error.UnknownProperty"
	ErrLimitsExceeded   = "org.freedesktop.DBus.Error.LimitsExceeded"
	ErrPropertyReadOnly = "org.freedesktop.DBus.Error.PropertyReadOnly"
	ErrNameHasNoOwner   = "org.freedesktop.DBus.Error.NameHasNoOwner"
)

// XML describes the daemon's interfaces, with documentation. It is what
// Introspect answers and what is installed for tools to read.
//
//go:embed tv.retune.PlexAuth1.xml
var XML string
