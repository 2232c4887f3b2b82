// SPDX-License-Identifier: Apache-2.0

// Package soak has a test that lives with the real daemon for an hour: people sign
// in and out, frontends come, call and go in the middle of it, plex.tv fails, the
// network goes and comes, the configuration is read again. One box never restarts
// and may not grow: in memory, file descriptors, threads or goroutines. The daemon
// of another one is stopped, killed and loses its bus again and again, and may
// neither forget who is signed in nor leave more on the disk than the state.
//
// All parts are the real ones but plex.tv, which is
// [github.com/retune-tv/plexauthd/auth/plextvsim]. make soak-hour runs it, and
// make soak-hour MINUTES=1 leaves out the pauses between the rounds, and does as many
// as the machine can.
//
// auth/soak lives through years in less time, with clocks of its own and without
// a process that could grow.
package soak
