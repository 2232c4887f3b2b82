package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// HomeUser is a user of the Plex Home of who signed in.
type HomeUser struct {
	UUID, Title, Thumb string
	// Admin owns the home, Guest is its guest, Restricted is a managed user.
	Admin, Guest, Restricted bool
	Protected                bool // a PIN is needed to switch to this user
}

// ListUsers gives the users of the Plex Home, as plex.tv lists them now; who is
// in no home gets nobody, or is alone.
func (a *Account) ListUsers(ctx context.Context) ([]HomeUser, error) {
	list, err := a.homeUsers(ctx)
	if err != nil {
		return nil, err
	}
	users := make([]HomeUser, 0, len(list))
	for _, u := range list {
		users = append(users, HomeUser{u.UUID, u.Title, u.Thumb, u.Admin, u.Guest, u.Restricted, u.Protected})
	}
	return users, nil
}

// SwitchUser lets a user of the Plex Home use the box. pin is zero for a user
// without one. Who signed in stays known, so that switching back takes no new
// sign-in; a PIN is kept nowhere.
//
// It fails with [NotFound] if the home has no such user, [PinRejected] for a
// wrong or missing PIN, and [RateLimited] after too many wrong ones.
func (a *Account) SwitchUser(ctx context.Context, uuid string, pin secret.String) error {
	if err := checkSwitch(uuid, pin); err != nil {
		return err
	}
	select { // one at a time: parallel guesses would not be counted right
	case a.switching <- struct{}{}:
		defer func() { <-a.switching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var holder string
	if err := a.look(ctx, func(r *record) {
		if r.holder() != nil {
			holder = r.holder().UserID
		}
	}); err != nil {
		return err
	}
	user, err := a.homeUser(ctx, uuid)
	if err != nil {
		return err
	}
	if !user.Protected {
		pin = secret.String{} // plex.tv does not look at it, so it counts neither as wrong nor as right
	} else if pin.IsZero() {
		// plex.tv has let clients in that sent none.
		return errorf(PinRejected, "this user of the home is protected: the PIN is missing")
	}
	before, err := a.countTry(ctx, pin)
	if err != nil {
		return err
	}
	token, who, err := a.switchAtPlex(ctx, uuid, pin)
	if err != nil {
		if !isPlexKind(err, plextv.PinRejected) {
			a.uncountTry(before)
		}
		return err
	}
	return a.takeSwitched(ctx, holder, switched{user, token, who, before})
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

func (a *Account) homeUsers(ctx context.Context) (users []plextv.HomeUser, err error) {
	err = a.asHolder(ctx, func(id plextv.Identity, token secret.String) (err error) {
		users, err = a.plex.HomeUsers(ctx, id, token)
		return err
	})
	return users, err
}

// homeUser asks anew each time: whether a user is protected may have changed.
func (a *Account) homeUser(ctx context.Context, uuid string) (plextv.HomeUser, error) {
	users, err := a.homeUsers(ctx)
	if err != nil {
		return plextv.HomeUser{}, err
	}
	at := slices.IndexFunc(users, func(u plextv.HomeUser) bool { return u.UUID == uuid })
	if at < 0 {
		return plextv.HomeUser{}, errNoHomeUser
	}
	return users[at], nil
}

var errNoHomeUser = errorf(NotFound, "the Plex Home has no such user")

func (a *Account) switchAtPlex(ctx context.Context, uuid string, pin secret.String) (token secret.String, who plextv.User, err error) {
	err = a.asHolder(ctx, func(id plextv.Identity, holder secret.String) (err error) {
		token, who, err = a.plex.SwitchHomeUser(ctx, id, holder, uuid, pin)
		return err
	})
	if isPlexKind(err, plextv.Gone) {
		err = errNoHomeUser // has left it this moment
	}
	return token, who, err
}

// switched is what a switch at plex.tv has given, and the wrong PINs before it.
type switched struct {
	user  plextv.HomeUser
	token secret.String
	who   plextv.User
	pins  *statefile.HomePin
}

// takeSwitched makes user the one who uses the box, and the wrong PINs what they
// were before the right one.
func (a *Account) takeSwitched(ctx context.Context, holderID string, s switched) error {
	a.mark(&a.askedAt)
	defer a.wakeKeeper()
	return a.change(ctx, func(next *record, e *Event) error {
		holder := next.holder()
		if holder == nil || holder.UserID != holderID {
			return errSignedOut() // or somebody else has signed in meanwhile
		}
		same := next.Auth.UserID == s.user.ID && !next.refused()
		next.HomePin = s.pins
		if !same {
			next.Servers, next.serversAt = nil, 0
			e.Auth = &AuthChange{Authenticated: true, Reason: ReasonUserSwitched}
		}
		if holder.UserID == s.user.ID {
			next.switchBack(s.token)
		} else {
			next.switchTo(s.token, s.who, a.time.Now())
		}
		next.asked, next.verified, next.nameless, next.doubted, next.doubtedAt = true, true, false, false, 0
		return nil
	})
}

// switchBack keeps the token of the sign-in. The switch has shown that the PIN is
// right, and its token is one that media servers take.
func (r *record) switchBack(opaque secret.String) {
	back := *r.holder()
	back.RefusedAt = time.Time{} // plex.tv has just taken the token
	r.Auth, r.Owner = &back, nil
	if isJWT(back.Token) {
		known := statefile.Servers{}
		if r.Servers != nil {
			known = *r.Servers
		}
		known.OwnToken = opaque
		r.Servers, r.serversAt = &known, 0
	}
}

// switchTo makes another user of the home than who signed in the one in use.
func (r *record) switchTo(token secret.String, who plextv.User, now time.Time) {
	before := r.Auth
	holder := *r.holder()
	holder.RefusedAt = time.Time{} // plex.tv has just taken the token
	r.Owner = &holder
	r.Auth = &statefile.Auth{Token: token, IssuedAt: now}
	setUser(r.Auth, who)
	if before.UserID == r.Auth.UserID {
		r.Auth.SelectedServerID, r.Auth.SelectedServerURI = before.SelectedServerID, before.SelectedServerURI
	}
}

// asHolder asks with the token of who signed in, and once more with a renewed one
// if plex.tv does not take it.
func (a *Account) asHolder(ctx context.Context, ask func(plextv.Identity, secret.String) error) error {
	token, err := a.askAsHolder(ctx, ask)
	if !isPlexKind(err, plextv.Refused) && !isPlexKind(err, plextv.Stale) {
		return err
	}
	if again := a.renew(ctx); again != nil {
		return a.takeRefusal(ctx, token, err, again)
	}
	_, err = a.askAsHolder(ctx, ask)
	return err
}

func (a *Account) askAsHolder(ctx context.Context, ask func(plextv.Identity, secret.String) error) (token secret.String, err error) {
	var id plextv.Identity
	if err := a.look(ctx, func(r *record) {
		if id = r.identity(); r.holder() != nil {
			token = r.holder().Token
		}
	}); err != nil {
		return token, err
	}
	if token.IsZero() {
		return token, errSignedOut()
	}
	return token, ask(id, token)
}

// switchAgain gets a new token of the home user who is using the box in place of
// one that plex.tv refuses: they were seen to last 14 days. A protected user has
// to type the PIN again.
func (a *Account) switchAgain(ctx context.Context) error {
	var current *statefile.Auth
	if err := a.look(ctx, func(r *record) { current = r.Auth }); err != nil {
		return err
	}
	if current == nil {
		return errSignedOut()
	}
	user, err := a.homeUser(ctx, current.UUID)
	switch {
	case errors.Is(err, errNoHomeUser) || err == nil && user.Protected:
		return errNoOther
	case err != nil:
		return err
	}
	token, who, err := a.switchAtPlex(ctx, current.UUID, secret.String{})
	if err != nil {
		return err
	}
	a.mark(&a.askedAt)
	return a.accept(ctx, func(next *record, e *Event) error {
		if next.Owner == nil || next.Auth == nil || !next.Auth.Token.Equal(current.Token) {
			return nil
		}
		refusedAt := next.Auth.RefusedAt
		next.switchTo(token, who, a.time.Now())
		next.Auth.RefusedAt = refusedAt
		next.accepted(e, true)
		return nil
	})
}
