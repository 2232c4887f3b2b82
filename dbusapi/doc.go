// SPDX-License-Identifier: Apache-2.0

// Package dbusapi serves an Account on D-Bus and decides who may call what.
//
// Calls that need no answer of plex.tv are answered one after the other, from the
// account's immutable snapshot; calls that come faster wait in the bus. Other calls
// run on goroutines of their own, whose number is limited.
package dbusapi
