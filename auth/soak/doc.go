// SPDX-License-Identifier: Apache-2.0

// Package soak holds long runs of package auth: simulated years of one box and
// simulated weeks of a fleet. All parts are the real ones but plex.tv, which is
// [github.com/retune-tv/plexauthd/auth/plextvsim], and the clocks.
//
// A year goes wrong in every way that a seed thinks of: the network, plex.tv, the
// clock, the power, people. Nobody may be signed out but by order, nothing may be
// signalled twice or not at all, and plex.tv may not be asked more than it must.
// A handful of years is part of the tests; make soak lives a thousand.
package soak
