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

// The bus itself, and interfaces that the D-Bus specification names.
const (
	DBus           = "org.freedesktop.DBus"
	DBusPath       = "/org/freedesktop/DBus"
	Properties     = "org.freedesktop.DBus.Properties"
	Introspectable = "org.freedesktop.DBus.Introspectable"
	Peer           = "org.freedesktop.DBus.Peer"
)

// StandardErrorPrefix begins the names of errors of the D-Bus specification.
const StandardErrorPrefix = "org.freedesktop.DBus.Error."

// Errors that the D-Bus specification names.
const (
	ErrInvalidArgs      = StandardErrorPrefix + "InvalidArgs"
	ErrAccessDenied     = StandardErrorPrefix + "AccessDenied"
	ErrFailed           = StandardErrorPrefix + "Failed"
	ErrUnknownObject    = StandardErrorPrefix + "UnknownObject"
	ErrUnknownMethod    = StandardErrorPrefix + "UnknownMethod"
	ErrUnknownInterface = StandardErrorPrefix + "UnknownInterface"
	ErrUnknownProperty  = StandardErrorPrefix + "UnknownProperty"
	ErrLimitsExceeded   = StandardErrorPrefix + "LimitsExceeded"
	ErrPropertyReadOnly = StandardErrorPrefix + "PropertyReadOnly"
	ErrNameHasNoOwner   = StandardErrorPrefix + "NameHasNoOwner"
)

// XML describes the daemon's interfaces, with documentation. It is what
// Introspect answers and what is installed for tools to read.
//
//go:embed tv.retune.PlexAuth1.xml
var XML string
