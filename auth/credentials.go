package auth

import (
	"context"
	"errors"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// revokeTimeout bounds the best-effort revocation at sign-out: a person waits for it.
const revokeTimeout = 10 * time.Second

// userID is the stored user's id, or "" when signed out or not known yet.
func (r *record) userID() string {
	if r.Auth == nil {
		return ""
	}
	return r.Auth.UserID
}

// signIn makes auth the signed-in account. The chosen server stays if it is
// the same user's.
func (r *record) signIn(auth *statefile.Auth, e *Event) {
	if auth.SelectedServerID == "" && auth.UserID != "" && auth.UserID == r.userID() {
		auth.SelectedServerID, auth.SelectedServerURI = r.Auth.SelectedServerID, r.Auth.SelectedServerURI
	}
	same := r.Auth != nil && !r.refused() && r.Auth.Token.Equal(auth.Token) && r.userID() == auth.UserID
	r.Auth = auth
	r.Owner, r.Servers, r.HomePin = nil, nil, nil
	r.asked, r.verified, r.nameless, r.doubted, r.doubtedAt = true, true, false, false, 0
	if !same {
		e.Auth = &AuthChange{Authenticated: true, Reason: ReasonSignedIn}
	}
}

func (r *record) signOut(e *Event) error {
	if r.unread {
		return errStorage(errors.New("the state could not be read, so nothing of it can be forgotten: " + r.problem))
	}
	if r.Auth == nil {
		return nil
	}
	r.Auth, r.Owner, r.Servers, r.HomePin = nil, nil, nil, nil
	r.asked, r.verified, r.doubted, r.doubtedAt = false, false, false, 0
	e.Auth = &AuthChange{Authenticated: false, Reason: ReasonSignedOut}
	return nil
}

// Token gives the token: [AuthRequired] when nobody is signed in,
// [AuthInvalid] when plex.tv has refused the token that is held.
func (a *Account) Token() (secret.String, error) {
	s := a.Snapshot()
	switch {
	case s.Credentials == nil:
		return secret.String{}, errSignedOut()
	case !s.Authenticated:
		return secret.String{}, errorf(AuthInvalid, "plex.tv has refused the stored token: sign in again")
	default:
		return s.Credentials.Token, nil
	}
}

// Store replaces the credentials. The token is checked at plex.tv, and what c
// lacks of the user is filled in from there. A token that plex.tv refuses is
// [AuthInvalid], and the old credentials stay. If plex.tv cannot be reached, a
// c that names its user is stored all the same, unverified; one that does not
// fails with the reason, and so does one that would replace another token.
//
// A token that is bound to a device key is [InvalidArgs], unless it is the one
// that is held: without its key it could not be renewed.
func (a *Account) Store(ctx context.Context, c Credentials) error {
	if err := c.check(); err != nil {
		return err
	}
	if held := a.Snapshot().Credentials; isJWT(c.Token) && (held == nil || !held.Token.Equal(c.Token)) {
		return errorf(InvalidArgs, "token: is bound to the device key of whoever signed in for it: sign in on this box instead")
	}
	id, err := a.identity(ctx)
	if err != nil {
		return err
	}
	user, err := a.plex.User(ctx, id, c.Token)
	verified := err == nil
	if err != nil && (c.UserID == "" || c.Username == "" || !saysNothing(err)) {
		return err
	}
	if err == nil && c.UserID != "" && user.ID != "" && c.UserID != user.ID {
		return errorf(InvalidArgs, "user_id: is not the user whose token this is")
	}
	unasked := err
	auth := c.filledFrom(user, a.time.Now())
	err = a.change(ctx, func(next *record, e *Event) error {
		if held := next.Auth; unasked != nil && held != nil && !held.Token.Equal(c.Token) {
			return unasked // a token that nobody has checked must not replace one
		}
		if held := next.holder(); held != nil && isJWT(c.Token) && held.Token.Equal(c.Token) {
			auth.IssuedAt, auth.ExpiresAt = held.IssuedAt, held.ExpiresAt // as plex.tv has signed them
		}
		next.signIn(auth, e)
		next.asked, next.verified = verified, verified
		return nil
	})
	if err == nil {
		if verified {
			a.mark(&a.askedAt)
		}
		a.wakeKeeper()
	}
	return err
}

// filledFrom keeps what c says and takes the rest from plex.tv's answer.
func (c Credentials) filledFrom(user plextv.User, now time.Time) *statefile.Auth {
	auth := &statefile.Auth{
		Token: c.Token, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
		SelectedServerID: c.ServerMachineID, SelectedServerURI: c.ServerURI,
	}
	setUser(auth, user)
	for _, field := range []struct {
		stored *string
		given  string
	}{
		{&auth.UserID, c.UserID}, {&auth.Username, c.Username}, {&auth.Email, c.Email}, {&auth.Thumb, c.Thumb},
	} {
		if field.given != "" {
			*field.stored = field.given
		}
	}
	if auth.IssuedAt.IsZero() {
		auth.IssuedAt = now
	}
	return auth
}

// Clear forgets the credentials on this box. Doing it twice is no error.
func (a *Account) Clear(ctx context.Context) error {
	return a.change(ctx, func(next *record, e *Event) error {
		return next.signOut(e)
	})
}

// SignOut forgets the credentials on this box and then revokes the token at
// plex.tv, best effort, for at most 10 s. It forgets first: what happens to the
// network must not keep anybody signed in.
func (a *Account) SignOut(ctx context.Context) (revoked bool, err error) {
	var held []secret.String
	var u unit
	var settings Settings
	told := func() {}
	err = a.change(ctx, func(next *record, e *Event) error {
		if next.Auth != nil {
			held = append(held, next.holder().Token)
			u, settings = next.unit(), next.settings
			if next.DeviceKey != nil {
				next.plexTold, told = afterBoth(next.plexTold)
			}
		}
		if next.Owner != nil {
			held = append(held, next.Auth.Token)
		}
		return next.signOut(e)
	})
	if err != nil || len(held) == 0 {
		return false, err
	}
	return a.revoke(ctx, u, settings, held, told), nil
}

// revoke ends the tokens at plex.tv and reports whether the first is worthless
// now. It goes on when the caller leaves: only this call still knows the tokens.
// told is called at its end.
func (a *Account) revoke(ctx context.Context, u unit, settings Settings, tokens []secret.String, told func()) bool {
	revoking, cancel := context.WithTimeout(a.life, revokeTimeout)
	done := make(chan error, 1)
	if err := a.takeTurn(a.life); err != nil { // the turn, so that Close does not miss it
		cancel()
		told()
		return false
	}
	a.work.Go(func() {
		defer cancel()
		defer told()
		// The token of who signed in is the last: without it plex.tv may take no
		// other.
		for _, token := range tokens[1:] {
			_ = a.plex.SignOut(revoking, u.identity(settings), token)
		}
		done <- a.revokeHolder(revoking, u, settings, tokens[0])
	})
	a.endTurn()
	select {
	case err := <-done:
		// A token that plex.tv refuses is as good as revoked.
		if err == nil || isPlexKind(err, plextv.Refused) || isPlexKind(err, plextv.KeyUnknown) {
			return true
		}
		a.log.Warn("signed out here, but the token could not be revoked at plex.tv",
			"message_id", MessageNotRevoked, "error", err)
		return false
	case <-ctx.Done():
		return false
	}
}

// afterBoth gives a channel that is closed when done is called, but not before
// earlier is, if there is one.
func afterBoth(earlier <-chan struct{}) (both <-chan struct{}, done func()) {
	closed := make(chan struct{})
	return closed, func() {
		if earlier != nil {
			<-earlier
		}
		close(closed)
	}
}

// revokeHolder renews a token that plex.tv does not take: the device may be signed
// in there all the same, by its key, and such a token cannot sign it out.
func (a *Account) revokeHolder(ctx context.Context, u unit, settings Settings, token secret.String) error {
	err := a.plex.SignOut(ctx, u.identity(settings), token)
	if u.key == nil || !isPlexKind(err, plextv.Stale) && !isPlexKind(err, plextv.Refused) {
		return err
	}
	token, _, err = a.mint(ctx, u, settings)
	if err != nil {
		return err
	}
	return a.plex.SignOut(ctx, u.identity(settings), token)
}

// SelectServer remembers the media server that the user chose, beside the
// token and only as long as it. Both empty means none.
func (a *Account) SelectServer(ctx context.Context, s Server) error {
	if err := s.check(); err != nil {
		return err
	}
	return a.change(ctx, func(next *record, _ *Event) error {
		if next.Auth == nil {
			return errSignedOut()
		}
		chosen := *next.Auth
		chosen.SelectedServerID, chosen.SelectedServerURI = s.MachineID, s.URI
		next.setAuth(chosen)
		return nil
	})
}
