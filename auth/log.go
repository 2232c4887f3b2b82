// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"log/slog"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// Message ids of what an [Account] logs, one for each kind of event, as the
// attribute message_id. The journal finds an event and its explanation by them
// (systemd.journal-fields(7), journalctl -x), so they never change.
// packaging/systemd/plexauthd.catalog explains each.
const (
	MessageSignedIn       = "52503126bd174adbb05da561965d5300" // with user_id, reason
	MessageSignedOut      = "ebc07b5d042d4e35915073e6fa294d5a" // with user_id, reason
	MessageTokenRefused   = "55a440bd6f504fbba16bf92713fd50e1" // with user_id, reason, http_status
	MessagePairingStarted = "c67cc621234047b288445bf41ffe3e60" // with pin_id, strong, expires_at
	MessagePairingEnded   = "5a710ec996a84e7daaa7224da6c1b4d8" // with pin_id, result
	MessageStateNotKept   = "7a4b82472c9047329a4df9a1013863ca" // with error
	MessageStateCorrupt   = "61f5844d1c6d48c5aa6ca964942db2f1" // with set_aside, error
	MessageStateUnread    = "2e26d21c45dc415296a1e2fd40c7185b" // with error
	MessageStateRewritten = "4f9c81d2e7a64b3fb0d5c36e18a9f274" // with kept_aside
	MessageNotRevoked     = "e0a1c4f7d1b94bb59a3f1c7a52e86d03" // with error
	MessageUnverified     = "7c8d754ba06e41459e5466607521054d" // with error, http_status if there was an answer
	MessageUserSwitched   = "2f6f1b0c6d8e4d0f9a51c7b3e84a90d6" // with user_id
	MessageUserLocked     = "9d0b6e47c2f84a5b8e13f7a06c5d2941" // with user_id, http_status
	MessageConfigWarning  = "83e7c2d15ab04f0c9d6a1e47b2f05c98"
	MessageKeyLost        = "5c1e8f3790b24a6da2f8417de6b0953c" // with user_id
	MessageMoved          = "b7d20e5f4c3148a58e0d61f29a7b3c84" // with user_id
	MessageNotMoved       = "d94c7a1be0524f6d8b36a0f5172ce983" // with error, http_status if there was an answer
	MessageNotRenewed     = "6a05d3f1e7c84b29a1d40c8f53b7269e" // with error, http_status if there was an answer
)

// logChange logs what e has changed.
func logChange(log *slog.Logger, before, after *record, e Event) {
	if e.PinEnd != nil {
		log.Info("pairing ended", "message_id", MessagePairingEnded,
			"pin_id", e.PinEnd.ID, "result", string(e.PinEnd.Result))
	}
	if p := after.Pairing; p != nil && (before.Pairing == nil || before.Pairing.ID != p.ID) {
		log.Info("pairing started", "message_id", MessagePairingStarted,
			"pin_id", p.ID, "strong", p.Strong, "expires_at", p.ExpiresAt)
	}
	if warning := after.configWarning(); warning != "" && before.configWarning() == "" {
		log.Warn(warning, "message_id", MessageConfigWarning)
	}
	if e.Auth == nil {
		return
	}
	switch reason := slog.String("reason", string(e.Auth.Reason)); {
	case e.Auth.Reason == ReasonUserSwitched:
		log.Info("switched to another user of the home", "message_id", MessageUserSwitched, "user_id", after.userID())
	case e.Auth.Reason == ReasonUserLocked:
		log.Warn("the home user in use has to enter the PIN again", "message_id", MessageUserLocked,
			"user_id", after.userID(), httpStatus(e.cause))
	case e.Auth.Authenticated:
		log.Info("signed in", "message_id", MessageSignedIn, "user_id", after.userID(), reason)
	case e.Auth.Reason == ReasonSignedOut:
		log.Info("signed out", "message_id", MessageSignedOut, "user_id", before.userID(), reason)
	default:
		log.Warn("plex.tv has refused the token: sign in again", "message_id", MessageTokenRefused,
			"user_id", before.userID(), reason, httpStatus(e.cause))
	}
}

// logLoadError logs why the store did not return the state as it was saved. What
// it returns is still a problem.
func logLoadError(log *slog.Logger, err error) (problem string) {
	var corrupt *statefile.CorruptError
	var unwritten *statefile.WriteError
	var unread *statefile.UnreadError
	switch {
	case errors.As(err, &unread):
		log.Warn("some values of the state could not be read and are ignored", "message_id", MessageStateUnread, "error", err)
		return ""
	case errors.As(err, &corrupt) && corrupt.SetAside != "":
		log.Error("the state could not be read: starting signed out", "message_id", MessageStateCorrupt,
			"set_aside", corrupt.SetAside, "error", err)
	case errors.As(err, &unwritten):
		log.Error("the state could be read, but not sealed", "message_id", MessageStateNotKept, "error", err)
	default:
		log.Error("the state could not be read: starting signed out", "message_id", MessageStateNotKept, "error", err)
	}
	return err.Error()
}

// httpStatus is the status of plex.tv's answer, nothing if there was none.
func httpStatus(err error) slog.Attr {
	var plex *plextv.Error
	if !errors.As(err, &plex) || plex.Status == 0 {
		return slog.Attr{}
	}
	return slog.Int("http_status", plex.Status)
}
