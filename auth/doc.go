// SPDX-License-Identifier: Apache-2.0

// Package auth owns the box's Plex account: it pairs the box with a PIN, keeps
// the token good, knows who is signed in and which media servers there are, and
// tells subscribers of each change. It knows neither D-Bus nor a service manager.
//
// [Account] in account.go is the API and wires the layers below it, each of which
// calls down only: schedule.go knows what to ask plex.tv and when; the flows
// (pairing.go, poller.go, session.go, credentials.go, renew.go, home.go,
// servers.go) ask plex.tv and change the ledger; ledger.go saves and publishes the
// record; record.go, transitions.go and the rest are data.
//
// Each change takes one path: a transition changes a copy of the record, the copy
// is made durable, the record and its immutable [Snapshot] are replaced, and
// subscribers get one [Event]. Reads never wait for a disk or for plex.tv.
package auth
