// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// Account is the Plex account of this box. Its methods may be called from any
// goroutine. Those that take a context return early, with its error, when it ends.
type Account struct {
	ledger   *ledger
	pairings *pairings
	session  *session
	renewal  *renewal
	home     *home
	servers  *mediaServers
	schedule *schedule
}

// Open loads the account from the store and resumes what was under way: a pairing
// continues, a stored token is verified in the background. It asks plex.tv nothing
// itself and does not wait for it.
//
// A store that cannot be read or written does not fail Open: the account then
// starts with what could be read, says so in [Snapshot].StorageProblem, and what
// needs the store fails with [StorageFailed].
func Open(o Options) *Account {
	l := openLedger(o)
	a := &Account{ledger: l, renewal: &renewal{ledger: l, plex: o.Plex}}
	a.pairings = &pairings{ledger: l, plex: o.Plex, renewal: a.renewal, pollers: make(map[uint64]*poller)}
	a.session = &session{
		ledger: l, plex: o.Plex, renewal: a.renewal, confirmAfter: cmp.Or(o.ConfirmAfter, refusedFor),
		checks:      keeping[secret.String, struct{}](o.ShareFor, l.clock),
		validations: keeping[[sha256.Size]byte, struct{}](o.ShareFor, l.clock),
	}
	a.home = &home{
		ledger: l, session: a.session, switching: make(chan struct{}, 1),
		lists: keeping[secret.String, plextv.Home](o.ShareFor, l.clock),
	}
	a.servers = &mediaServers{ledger: l, plex: o.Plex, session: a.session}
	a.schedule = newSchedule(l, a.session, a.renewal, cmp.Or(o.CheckEvery, 24*time.Hour))
	o.Plex.OnPause(func() { a.schedule.alarm.ring(reasons{paused: true}) })
	if kept := l.record().Pauses; kept != nil {
		o.Plex.Resume(kept.Until)
	}
	l.onChange = func(before, after *record) {
		a.pairings.follow(after)
		a.schedule.follow(before, after)
	}
	l.locked <- struct{}{} // a poller may end its pairing at once
	defer l.unlock()
	a.pairings.follow(l.record())
	l.work.Go(func() { a.schedule.run(plextv.Background(l.life), o.Hold) })
	return a
}

// Close ends all background work and waits for it, or for ctx. A pairing under
// way stays in the store and continues at the next [Open].
func (a *Account) Close(ctx context.Context) error { return a.ledger.close(ctx) }

// Configure replaces the settings. A pairing under way keeps the old ones, but for
// another address of plex.tv: that ends it, and what the old address gave waits
// there for it to come back.
func (a *Account) Configure(ctx context.Context, settings Settings) error {
	// Even if the settings are the same, the way to plex.tv may not be.
	defer a.schedule.recheck()
	// A disk that cannot be written must not send a token to the wrong address.
	return a.ledger.saveOrKeep(ctx, func(next *record, e *Event) error {
		next.configure(settings, e)
		return nil
	})
}

// Alive returns nil if the account can still make changes, or ctx's error if a
// change under way does not end.
func (a *Account) Alive(ctx context.Context) error {
	return a.ledger.save(ctx, func(*record, *Event) error { return nil })
}

// Wake says that the box has resumed or that the network is back: what plex.tv
// could not be asked is asked now, and so is what has become due meanwhile. It
// may be called often.
func (a *Account) Wake() { a.schedule.wake() }

// Snapshot returns the account as it is now. It never waits.
func (a *Account) Snapshot() *Snapshot { return a.ledger.snapshot() }

// Fresh is [Account.Snapshot] for callers that want the token: one that has
// expired or is about to is renewed first, for at most 5 s. If that fails the
// snapshot has the old one, which plex.tv may still accept.
func (a *Account) Fresh(ctx context.Context) *Snapshot { return a.renewal.fresh(ctx) }

// IsFresh reports whether [Account.Fresh] would not wait.
func (a *Account) IsFresh() bool { return a.renewal.isFresh() }

// Subscribe calls handle, on a goroutine of the subscription's own, with the
// account as it is and then with every change, in order. For a subscriber that falls
// behind, changes are merged in which nobody signs in or out and no pairing ends; no
// other event is lost, and other subscribers are not affected.
//
// settle waits until handle has returned for every change made before the call, or
// until ctx or the subscription ends. cancel ends the subscription but does not wait
// for an event that is being handled.
func (a *Account) Subscribe(handle func(Event)) (settle func(context.Context), cancel func()) {
	s := a.ledger.feed.subscribe(handle)
	return s.settle, s.cancel
}

// Token returns the token: [AuthRequired] when nobody is signed in, [AuthInvalid]
// when plex.tv has refused it, [UserLocked] when the home user in use has to enter
// the PIN again.
func (a *Account) Token() (secret.String, error) { return a.ledger.snapshot().token() }

// RequestPin starts a pairing, or returns the one under way unless o.Force, so
// that two frontends show the same code. From then on the account itself asks
// plex.tv about the PIN until it is claimed, expires or is cancelled.
//
// Concurrent callers share the answer. If the store cannot keep the pairing it
// fails with [StorageFailed], because the sign-in could not be kept either.
func (a *Account) RequestPin(ctx context.Context, o PinOptions) (Pairing, error) {
	return a.pairings.request(ctx, o)
}

// CheckPin asks plex.tv now about the pairing with that number. claimed means
// that the credentials are stored. A pairing that has ended is remembered for
// some time: [PinExpired] if it ran out of time, [NotFound] if it was cancelled,
// failed or is not known.
func (a *Account) CheckPin(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error) {
	return a.pairings.check(ctx, id)
}

// CancelPin ends the pairing with that number. It returns a [NotFound] error if
// that is not the one under way.
func (a *Account) CancelPin(ctx context.Context, id uint64) error { return a.pairings.cancel(ctx, id) }

// Validate asks plex.tv now whether the stored token is good. 200 is true;
// 401, 403 and 422 "Invalid token" are false, unless the device key gets another
// token in its place; anything else is an error and says nothing about the token
// (Plex documents 200 and 401 only). [AuthRequired] when nobody is signed in.
//
// A refusal (401 or that 422) makes the state [Unverified]. Only three of them over
// at least 30 s, or 60 s for a new token, make it [Expired]; those after the first
// are asked for in the background, and so is whether plex.tv has changed its mind.
func (a *Account) Validate(ctx context.Context) (bool, error) {
	return whileTheirs(a.ledger, turns, func() (bool, error) { return isValid(a.session.verify(ctx)) })
}

// ValidateToken asks plex.tv about any token, as Validate does, and does not change
// what is stored.
func (a *Account) ValidateToken(ctx context.Context, token secret.String) (bool, error) {
	return isValid(a.session.validate(ctx, token))
}

// Store replaces the credentials. The token is checked at plex.tv, and what c
// lacks of the user is filled in from there. A token that plex.tv refuses is
// [AuthInvalid], and the old credentials stay. If plex.tv cannot be reached, c is
// stored unverified if it names its user; otherwise Store fails with the reason,
// and so it does if c would replace another token.
//
// A token that is bound to a device key is [InvalidArgs], unless it is the stored
// one: without its key it could not be renewed.
func (a *Account) Store(ctx context.Context, c Credentials) error {
	return a.session.storeCredentials(ctx, c)
}

// Clear forgets the credentials on this box. Doing it twice is not an error. A token
// that the store cannot forget is revoked at plex.tv, as [Account.SignOut] does.
func (a *Account) Clear(ctx context.Context) error {
	_, err := a.session.signOut(ctx, false)
	return err
}

// SignOut forgets the credentials on this box and then revokes the token at
// plex.tv, best effort, for at most 10 s. It forgets first: the state of the
// network or the disk must not keep anybody signed in. It fails with [StorageFailed]
// only if the store cannot forget the token and plex.tv has not revoked it; then the
// next start would find somebody signed in.
func (a *Account) SignOut(ctx context.Context) (revoked bool, err error) {
	return a.session.signOut(ctx, true)
}

// SelectServer remembers the media server that the user selected, for as long as
// the token. Both empty means none.
func (a *Account) SelectServer(ctx context.Context, s Server) error {
	return a.session.selectServer(ctx, s)
}

// ListServers returns the media servers of the account in use, as plex.tv lists
// them now. While plex.tv cannot be asked it returns the last good answer, which
// survives restarts and refusals of the token. [AuthRequired] when nobody is signed
// in, [UserLocked] as with [Account.Token].
func (a *Account) ListServers(ctx context.Context) ([]MediaServer, error) {
	return whileTheirs(a.ledger, turns, func() ([]MediaServer, error) { return a.servers.list(ctx) })
}

// ServerHeaders returns the headers for a media server, with the token that this
// server accepts: media servers refuse the token of a device key, though plex.tv
// accepts it. What is known of the server is returned without asking plex.tv.
// [NotFound] if the account has no such server, [NoServerToken] if plex.tv gives no
// token for it, [PinRejected] if it does only with the home user's PIN, as
// [Account.SwitchUser] does.
func (a *Account) ServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	return whileTheirs(a.ledger, turns, func() (Headers, error) { return a.servers.headers(ctx, machineID) })
}

// RenewServerHeaders is for a caller whom the media server refused with what
// ServerHeaders returned: plex.tv is asked for another token first, at most once
// a minute.
func (a *Account) RenewServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	return whileTheirs(a.ledger, turns, func() (Headers, error) {
		return a.servers.headersWithin(ctx, machineID, retokenPause, true)
	})
}

// ListUsers returns the users of the Plex Home, as plex.tv lists them now. An
// account without a home gets an empty list, or itself alone.
func (a *Account) ListUsers(ctx context.Context) ([]HomeUser, error) {
	return whileTheirs(a.ledger, signIns, func() ([]HomeUser, error) { return a.home.users(ctx) })
}

// SwitchUser lets a user of the Plex Home use the box. pin is zero for a user
// without one. The owner stays known, so that switching back needs no new
// sign-in; a PIN is never kept.
//
// It fails with [NotFound] if the home has no such user, [PinRejected] for a
// wrong or missing PIN, and [RateLimited] after too many wrong ones.
func (a *Account) SwitchUser(ctx context.Context, uuid string, pin secret.String) error {
	return a.home.switchUser(ctx, uuid, pin)
}
