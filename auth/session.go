// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/timelimit"
)

// session keeps the token in use good: it asks plex.tv about it, gets another one
// in place of one that is refused, and asks on the owner's behalf.
type session struct {
	*ledger
	plex         *plextv.Client
	renewal      *renewal
	checks       *flight[secret.String, struct{}]     // by identity
	validations  *flight[[sha256.Size]byte, struct{}] // of any token, by its hash
	confirmAfter time.Duration
}

// isValid turns the answer about a token into the result of Validate.
func isValid(err error) (bool, error) {
	if isPlexKind(err, plextv.Refused) || isPlexKind(err, plextv.Forbidden) {
		return false, nil
	}
	return err == nil, err
}

// validate asks plex.tv about any token. It changes nothing but for what a yes to
// the token in use means.
func (s *session) validate(ctx context.Context, token secret.String) error {
	if err := cmp.Or(checkToken(token), s.life.Err()); err != nil {
		return err
	}
	_, err := s.validations.do(ctx, s.life, sha256.Sum256([]byte(token.Reveal())), func(ctx context.Context) (struct{}, error) {
		_, err := s.plex.User(ctx, s.record().identity(), token)
		if err == nil {
			err = s.trust(ctx, token)
		}
		return struct{}{}, err
	})
	return err
}

// verify asks plex.tv about the token in use. Callers share the answer, unless
// the token has been replaced since.
func (s *session) verify(ctx context.Context) error {
	r := s.record()
	if r.Auth == nil {
		return errSignedOut()
	}
	_, err := s.checks.do(ctx, s.life, r.Auth.Token, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.verifyToken(ctx, r.identity(), r.Auth.Token)
	})
	return err
}

func (s *session) verifyToken(ctx context.Context, id plextv.Identity, token secret.String) error {
	user, err := s.plex.User(ctx, id, token)
	switch {
	case err == nil:
		return s.accepted(ctx, token, user)
	case isPlexKind(err, plextv.Refused), isPlexKind(err, plextv.Stale):
		return s.replace(ctx, token, err)
	case isPlexKind(err, plextv.Forbidden):
		return errors.Join(err, s.accepted(ctx, token, user))
	default:
		return err
	}
}

// accepted records that plex.tv accepted the token; after a 403 user is zero.
func (s *session) accepted(ctx context.Context, token secret.String, user plextv.User) error {
	return s.saveOrKeep(ctx, func(next *record, e *Event) error {
		if next.Auth != nil && next.Auth.Token.Equal(token) { // else signed out or in again meanwhile
			next.accept(user, s.now(), e)
		}
		return nil
	})
}

// replace gets another token where the box can by itself: a token may be refused
// because it has expired, because plex.tv has dropped the key that signed it, or
// because the answer with its successor was lost. The refusal only counts if
// there is no other token.
func (s *session) replace(ctx context.Context, token secret.String, refusal error) error {
	if s.record().Owner != nil {
		if err := s.renewUser(ctx); err != nil {
			return s.refusedUser(ctx, token, refusal, err)
		}
	} else if err := s.renewal.renew(ctx); err != nil {
		return s.refused(ctx, token, refusal, err)
	}
	// The question that was refused may have been about the user's name, too.
	if r := s.record(); r.Auth != nil && r.Auth.UserID == "" {
		if user, err := s.plex.User(ctx, r.identity(), r.Auth.Token); err == nil {
			_ = s.accepted(ctx, r.Auth.Token, user)
		}
	}
	return nil
}

// refused records that plex.tv refused the token of who signed in and that, because
// of noOther, there is no other, as far as both mean that the sign-in has ended.
func (s *session) refused(ctx context.Context, token secret.String, refusal, noOther error) error {
	switch stale := isPlexKind(refusal, plextv.Stale); {
	case errors.Is(noOther, errNoReplacement) && stale:
		return refusal // as far as we know it cannot expire
	case errors.Is(noOther, errNoReplacement):
	case isInconclusive(noOther):
		return noOther
	case stale && !isPlexKind(noOther, plextv.Refused) && !isPlexKind(noOther, plextv.KeyUnknown):
		return noOther // an odd answer, and an expired token is not a refused one
	case stale:
		refusal = &plextv.Error{Op: "replacing an expired token", Kind: plextv.Refused, Err: noOther}
	}
	return errors.Join(refusal, s.saveOrKeep(ctx, func(next *record, e *Event) error {
		if owner := next.owner(); owner != nil && owner.Token.Equal(token) {
			next.refuse(refusal, s.confirmAfter, s.now(), e)
		}
		return nil
	}))
}

// refusedUser records that plex.tv refused the token of the home user in use and
// that, because of noOther, who signed in cannot get another one.
func (s *session) refusedUser(ctx context.Context, token secret.String, refusal, noOther error) error {
	left := false
	err := s.saveOrKeep(ctx, func(next *record, e *Event) error {
		if next.Owner != nil && next.Auth.Token.Equal(token) {
			next.refuseUser(refusal, noOther, s.confirmAfter, s.now(), e)
			left = next.Owner == nil
		}
		return nil
	})
	switch {
	case err != nil, left:
		return err
	case isInconclusive(noOther):
		return noOther
	default:
		return refusal
	}
}

// trust records that plex.tv accepted the token with a question of another kind.
func (s *session) trust(ctx context.Context, token secret.String) error {
	return s.saveOrKeep(ctx, func(next *record, e *Event) error {
		next.trust(token, e)
		return nil
	})
}

// renewUser gets a new token of the home user in use by switching to that user
// again: such tokens have been seen to last 14 days. A protected user has to type
// the PIN again.
func (s *session) renewUser(ctx context.Context) error {
	used := s.record().Auth
	switch {
	case used == nil:
		return errSignedOut()
	case used.UUID == "": // plex.tv has never said who it is
		return errProtected
	}
	user, err := s.homeUser(ctx, used.UUID)
	switch {
	case errors.Is(err, errNoHome): // only a list without the user says that the user was removed
		return errProtected
	case err != nil:
		return err
	case user.Protected:
		return errProtected
	}
	token, who, err := s.switchUser(ctx, used.UUID, secret.String{})
	switch {
	case isPlexKind(err, plextv.Gone): // though listed a moment ago
		return errProtected
	case err != nil:
		return err
	}
	_, who = completed(user, who)
	who.ID = cmp.Or(who.ID, used.UserID)
	return s.saveOrKeep(ctx, func(next *record, e *Event) error {
		if next.Owner != nil && next.Auth.Token.Equal(used.Token) {
			next.replaceUserToken(token, who, s.now(), e)
		}
		return nil
	})
}

// asOwner asks with the owner's token, and once more with a renewed one if
// plex.tv refuses it.
func (s *session) asOwner(ctx context.Context, ask func(plextv.Identity, secret.String) error) error {
	for renewed := false; ; renewed = true {
		r := s.record()
		switch {
		case s.life.Err() != nil:
			return s.life.Err()
		case r.owner() == nil:
			return errSignedOut()
		}
		token := r.owner().Token
		err := ask(r.identity(), token)
		if err == nil {
			return s.trust(ctx, token)
		}
		if renewed || !isPlexKind(err, plextv.Refused) && !isPlexKind(err, plextv.Stale) {
			return err
		}
		if noOther := s.renewal.renew(ctx); noOther != nil {
			return s.refused(ctx, token, err, noOther)
		}
	}
}

// nameOwner asks plex.tv who has signed in, if it could not be asked at the time.
func (s *session) nameOwner(ctx context.Context) error {
	limited, cancel := timelimit.With(ctx, s.clock, userTimeout)
	defer cancel()
	signIns := s.record().signIns
	var user plextv.User
	err := s.asOwner(limited, func(id plextv.Identity, owner secret.String) (err error) {
		user, err = s.plex.User(limited, id, owner)
		return err
	})
	if err != nil {
		return err
	}
	return s.saveOrKeep(ctx, func(next *record, _ *Event) error {
		if owner := next.owner(); owner != nil && owner.UserID == "" && next.signIns == signIns {
			next.nameOwner(user)
		}
		return nil
	})
}

func (s *session) homeUsers(ctx context.Context) (list plextv.Home, err error) {
	err = s.asOwner(ctx, func(id plextv.Identity, owner secret.String) (err error) {
		list, err = s.plex.HomeUsers(ctx, id, owner)
		return err
	})
	return list, err
}

// homeUser asks plex.tv each time: whether a user is protected may have changed.
func (s *session) homeUser(ctx context.Context, uuid string) (plextv.HomeUser, error) {
	list, err := s.homeUsers(ctx)
	if err != nil {
		return plextv.HomeUser{}, err
	}
	at := slices.IndexFunc(list.Users, func(u plextv.HomeUser) bool { return u.UUID == uuid })
	switch {
	case at >= 0:
		return list.Users[at], nil
	case list.Unread > 0:
		return plextv.HomeUser{}, errUnreadUser
	case len(list.Users) == 0:
		return plextv.HomeUser{}, errNoHome
	}
	return plextv.HomeUser{}, errNoHomeUser
}

// switchUser gets a token of a home user.
func (s *session) switchUser(ctx context.Context, uuid string, pin secret.String) (token secret.String, who plextv.User, err error) {
	err = s.asOwner(ctx, func(id plextv.Identity, owner secret.String) (err error) {
		token, who, err = s.plex.SwitchHomeUser(ctx, id, owner, uuid, pin)
		return err
	})
	return token, who, err
}
