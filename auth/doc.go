// Package auth owns the box's Plex account: it pairs the box with a PIN, keeps
// the token good, knows who is signed in and which media servers there are, and
// tells subscribers of each change.
//
// It knows no D-Bus and no service manager. [Account] is the whole of it; below
// it lie the plex.tv client (auth/plextv), the device key (auth/devicekey),
// plex.tv's time (auth/servertime) and the state file (auth/statefile).
//
// Every change goes the same way: the record is made durable, the immutable
// [Snapshot] is replaced, subscribers get one [Event]. Reads take the snapshot
// and never wait for a disk or for plex.tv.
//
// In the background a poller follows the pairing under way, and a keeper asks
// plex.tv what has to be asked about the token, with a pause after each failure.
package auth
