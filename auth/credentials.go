// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// revokeTimeout bounds the revocation at sign-out: a person waits for it.
const revokeTimeout = 10 * time.Second

// storeCredentials replaces the credentials with c, checked at plex.tv.
func (s *session) storeCredentials(ctx context.Context, c Credentials) error {
	if err := cmp.Or(c.check(), s.life.Err()); err != nil {
		return err
	}
	r := s.record()
	if isJWT(c.Token) && (r.Auth == nil || !r.Auth.Token.Equal(c.Token)) {
		return errorf(InvalidArgs, "token: is bound to the device key that it was issued for: sign in on this box instead")
	}
	user, unchecked := s.plex.User(ctx, r.identity(), c.Token)
	if unchecked != nil && (c.UserID == "" || c.Username == "" || !isInconclusive(unchecked)) {
		return unchecked
	}
	if unchecked == nil && c.UserID != "" && user.ID != "" && c.UserID != user.ID {
		return errorf(InvalidArgs, "user_id: is not the user of this token")
	}
	auth := c.completed(user, s.time.Now())
	return s.save(ctx, func(next *record, e *Event) error {
		if next.PlexURL != r.PlexURL {
			return errMoved
		}
		if unchecked != nil && next.Auth != nil && !next.Auth.Token.Equal(c.Token) {
			return unchecked // an unchecked token must not replace another
		}
		if owner := next.owner(); owner != nil && owner.Kid != "" && owner.Token.Equal(c.Token) {
			// As plex.tv signed them.
			auth.IssuedAt, auth.ExpiresAt, auth.Kid = owner.IssuedAt, owner.ExpiresAt, owner.Kid
		}
		next.signIn(auth, unchecked == nil, s.now(), e)
		return nil
	})
}

// completed is c with what it lacks taken from plex.tv's answer.
func (c Credentials) completed(user plextv.User, now time.Time) *statefile.Auth {
	auth := &statefile.Auth{
		Token: c.Token, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
		SelectedServerID: c.ServerMachineID, SelectedServerURI: c.ServerURI,
	}
	setUser(auth, user)
	auth.UserID, auth.Username = cmp.Or(c.UserID, auth.UserID), cmp.Or(c.Username, auth.Username)
	auth.Email, auth.Thumb = cmp.Or(c.Email, auth.Email), cmp.Or(c.Thumb, auth.Thumb)
	if auth.IssuedAt.IsZero() {
		auth.IssuedAt = now
	}
	return auth
}

func (s *session) selectServer(ctx context.Context, server Server) error {
	if err := server.check(); err != nil {
		return err
	}
	return s.save(ctx, func(next *record, _ *Event) error {
		if next.Auth == nil {
			return errSignedOut()
		}
		next.selectServer(server)
		return nil
	})
}

// signOut forgets the credentials, and then revokes the tokens at plex.tv if that is
// wanted, or if the store still holds them: they are worth nothing then.
func (s *session) signOut(ctx context.Context, revokes bool) (revoked bool, err error) {
	var before record
	done := make(chan struct{})
	left, err := s.forget(ctx, func(next *record, e *Event) error {
		before = *next
		if revokes && next.Auth != nil && next.DeviceKey != nil {
			next.revoking = done
		}
		return next.signOut(e)
	})
	switch {
	case err != nil:
		return false, err
	case before.Auth == nil && before.spent:
		return false, nil
	case before.Auth == nil || !revokes && left == nil:
		return false, left
	}
	if revoked = s.revoke(ctx, &before, done); revoked && left != nil {
		left = s.saveOrKeep(s.life, func(next *record, _ *Event) error {
			next.spent = next.Auth == nil
			return nil
		})
	}
	return revoked, left
}

// revoke revokes the tokens of a sign-in at plex.tv and reports whether the
// owner's is worthless now. It continues after the caller has left, because
// nobody else knows the tokens any more. At its end, and not before the end of
// earlier ones, it closes done.
func (s *session) revoke(ctx context.Context, r *record, done chan<- struct{}) bool {
	revoking, cancel := context.WithTimeout(plextv.Background(s.life), revokeTimeout)
	result := make(chan error, 1)
	end := func() {
		cancel()
		if r.revoking != nil {
			<-r.revoking
		}
		close(done)
	}
	if err := s.start(func() {
		defer end()
		if r.Owner != nil {
			// Before the owner's: without that plex.tv may accept no other.
			_ = s.plex.SignOut(revoking, r.identity(), r.Auth.Token)
		}
		result <- s.revokeOwner(revoking, r)
	}); err != nil {
		end()
		return false
	}
	select {
	case err := <-result:
		// A token that plex.tv refuses is as good as revoked.
		if err == nil || isPlexKind(err, plextv.Refused) || isPlexKind(err, plextv.KeyUnknown) {
			return true
		}
		s.log.Warn("signed out here, but the token could not be revoked at plex.tv",
			"message_id", MessageNotRevoked, "error", err)
		return false
	case <-ctx.Done():
		return false
	}
}

// revokeOwner renews a token that plex.tv refuses: the device may still be signed
// in there by its key, and a refused token cannot sign it out.
func (s *session) revokeOwner(ctx context.Context, r *record) error {
	err := s.plex.SignOut(ctx, r.identity(), r.owner().Token)
	if r.DeviceKey == nil || !isPlexKind(err, plextv.Stale) && !isPlexKind(err, plextv.Refused) {
		return err
	}
	var token secret.String
	if token, _, err = s.renewal.exchange(ctx, r.device(), r.settings); err != nil {
		return err
	}
	return s.plex.SignOut(ctx, r.identity(), token)
}
