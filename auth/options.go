// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/auth/status"
)

// Store keeps the state across restarts; [statefile.File] is one. Save must be
// durable when it returns nil, and leave the old state intact when it does not.
type Store interface {
	Load() (statefile.State, error)
	Save(statefile.State) error
	// Forget saves a state in which nobody is signed in. gone reports that the
	// store holds no token any more, even if it could not keep the rest.
	Forget(statefile.State) (gone bool, err error)
	// KeptAside is the file to which the last Save moved what it could not
	// carry over, such as comments; "" if there was nothing.
	KeptAside() string
}

// Mode is how the box proves who it is.
type Mode = status.Mode

// The modes.
const (
	ModeLegacy = status.ModeLegacy
	ModeJWT    = status.ModeJWT
)

// Settings are what may change while the daemon runs.
type Settings struct {
	Mode           Mode            // which tokens to sign in with; "" is [ModeLegacy]
	Identity       plextv.Identity // its ClientID is not used: the account has its own
	PollInterval   time.Duration   // between two questions about a PIN
	PairingTimeout time.Duration   // a pairing ends after this, or earlier with plex.tv's PIN
}

// Options are what an [Account] is made of. Plex, Store and Settings are required.
type Options struct {
	Plex     *plextv.Client
	Store    Store
	Settings Settings
	Clock    clockwork.Clock // nil: the real one
	Log      *slog.Logger    // nil: silence
	// Time is plex.tv's clock, to which Plex reports the dates of its answers.
	// nil: one that is never told.
	Time *servertime.Clock

	// ConfirmAfter is the time over which plex.tv must refuse the token, three
	// times at least, before it is believed; twice that for a new token. 0 means
	// 30 s.
	ConfirmAfter time.Duration
	// ShareFor is for how long after plex.tv's answer those who ask the same get
	// it, too. 0 means not at all.
	ShareFor time.Duration
	// Hold, if not nil, delays background requests until it is closed, so that
	// at start the first answers on the bus come before TLS.
	Hold <-chan struct{}
	// CheckEvery is the longest time between two checks of the token at
	// plex.tv. 0 means a day, less than 0 never.
	CheckEvery time.Duration
}
