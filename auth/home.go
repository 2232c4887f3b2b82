// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"strings"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// HomeUser is a user of the owner's Plex Home.
type HomeUser struct {
	UUID, Title, Thumb string
	// Admin runs the home, Guest is its guest, Restricted is a managed user.
	Admin, Guest, Restricted bool
	Protected                bool // a PIN is needed to switch to this user
}

// home lets the users of the owner's Plex Home use the box.
type home struct {
	*ledger
	session   *session
	lists     *flight[secret.String, plextv.Home] // by identity of the owner's token
	switching chan struct{}                       // full while somebody tries a PIN
}

func (h *home) users(ctx context.Context) ([]HomeUser, error) {
	owner := h.record().owner()
	if owner == nil {
		return nil, errSignedOut()
	}
	list, err := h.lists.do(ctx, h.life, owner.Token, h.session.homeUsers)
	if err != nil {
		return nil, err
	}
	users := make([]HomeUser, 0, len(list.Users))
	for _, u := range list.Users {
		users = append(users, HomeUser{u.UUID, u.Title, u.Thumb, u.Admin, u.Guest, u.Restricted, u.Protected})
	}
	return users, nil
}

func (h *home) switchUser(ctx context.Context, uuid string, pin secret.String) error {
	if err := checkSwitch(uuid, pin); err != nil {
		return err
	}
	select { // one at a time: parallel guesses would not be counted correctly
	case h.switching <- struct{}{}:
		defer func() { <-h.switching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r := h.record()
	owner := r.owner()
	if owner == nil {
		return errSignedOut()
	}
	user, err := h.session.homeUser(ctx, uuid)
	if err != nil {
		return err
	}
	given := pin
	if !user.Protected {
		pin = secret.String{} // plex.tv ignores it, so it counts neither as wrong nor as right
	} else if pin.IsZero() {
		// plex.tv has accepted clients that sent none.
		return errorf(PinRejected, "this user of the home is protected: the PIN is missing")
	}
	if owner.UserID == "" {
		_ = h.session.nameOwner(ctx) // the switch may be to that very person
	}
	before, token, who, err := h.tryPin(ctx, uuid, pin)
	if isPlexKind(err, plextv.PinRejected) && pin.IsZero() && !given.IsZero() {
		// plex.tv wants a PIN of a user whom it did not call protected.
		before, token, who, err = h.tryPin(ctx, uuid, given)
	}
	if err != nil {
		return err
	}
	return h.save(ctx, func(next *record, e *Event) error {
		if next.PlexURL != r.PlexURL {
			return errMoved
		}
		if now := next.owner(); now == nil || next.signIns != r.signIns && (owner.UserID == "" || now.UserID != owner.UserID) {
			return errSignedOut() // or somebody else has signed in meanwhile
		}
		next.restorePins(before)
		user, who := completed(user, who)
		next.switchUser(user, token, who, h.now(), e)
		return nil
	})
}

// completed fills in what one of plex.tv's two answers about a user lacks.
func completed(user plextv.HomeUser, who plextv.User) (plextv.HomeUser, plextv.User) {
	who.ID, who.UUID, who.Title = cmp.Or(who.ID, user.ID), cmp.Or(who.UUID, user.UUID), cmp.Or(who.Title, user.Title)
	who.Thumb, who.Restricted = cmp.Or(who.Thumb, user.Thumb), who.Restricted || user.Restricted
	user.ID = who.ID
	return user, who
}

// tryPin gets a token of the user with a PIN, or with none, and returns also the count
// of wrong PINs before it, which holds again unless plex.tv says that this one is wrong.
func (h *home) tryPin(ctx context.Context, uuid string, pin secret.String) (before *statefile.HomePin, token secret.String, who plextv.User, err error) {
	if before, err = h.countPin(ctx, pin); err != nil {
		return nil, token, who, err
	}
	token, who, err = h.session.switchUser(ctx, uuid, pin)
	if err != nil && !isPlexKind(err, plextv.PinRejected) {
		_ = h.saveOrKeep(h.life, func(next *record, _ *Event) error {
			next.restorePins(before)
			return nil
		})
	}
	if isPlexKind(err, plextv.Gone) {
		err = errNoHomeUser // the user has just left
	}
	return before, token, who, err
}

// countPin counts a PIN as wrong before plex.tv is asked, so that cutting the
// power does not evade the count, and returns the count before it.
func (h *home) countPin(ctx context.Context, pin secret.String) (before *statefile.HomePin, err error) {
	var limited error
	err = h.save(ctx, func(next *record, _ *Event) error {
		if before, limited = next.HomePin, nil; !pin.IsZero() {
			limited = next.countPin(h.time.Now())
		}
		return nil
	})
	return before, cmp.Or(err, limited)
}

func checkSwitch(uuid string, pin secret.String) error {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	switch text := pin.Reveal(); {
	case uuid == "":
		return errorf(InvalidArgs, "uuid: is empty")
	case text != "" && (len(text) != 4 || strings.ContainsFunc(text, notDigit)):
		return errorf(InvalidArgs, "pin: is not 4 digits")
	}
	return checkText("uuid", uuid)
}
