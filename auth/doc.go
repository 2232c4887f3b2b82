// Package auth owns the box's Plex account: it pairs the box with a PIN, keeps
// the token, knows who is signed in, and tells subscribers of each change.
//
// It knows no D-Bus and no service manager. [Account] is the whole of it; below
// it lie the plex.tv client (auth/plextv) and the state file (auth/statefile).
//
// Every change goes the same way: the record is made durable, the immutable
// [Snapshot] is replaced, subscribers get one [Event]. Reads take the snapshot
// and never wait for a disk or for plex.tv.
package auth
