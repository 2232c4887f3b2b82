// SPDX-License-Identifier: Apache-2.0

// Package dbusapi serves an Account on D-Bus and decides who may call what.
//
// It answers from the account's immutable snapshot wherever no question to
// plex.tv is needed, at once and one call after the other: what comes faster
// stays in the bus, and its callers wait. Other calls run beside those on
// goroutines of their own, of which there are only so many.
package dbusapi
