// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// record is everything an [Account] knows at one moment. A published record is
// immutable: a change replaces what the pointers in it point to.
type record struct {
	statefile.State
	settings       Settings
	standing       standing // of the token in use
	ownerStanding  standing // of the owner's, while a home user is using the box
	times          uptimes
	ended          endedPairings
	unreadable     bool // the store keeps a state that it could not read
	storageProblem string
	plexProblem    string
	// signIns changes with each sign-in and sign-out, turns also with each change of
	// user. An answer is dropped if its count has changed since the question.
	signIns, turns uint64
	// spent tells that the token which the store could not forget is revoked.
	spent bool
	// revoking is closed once plex.tv has been told of every sign-out of the
	// device key, or telling it was given up; nil before the first.
	revoking <-chan struct{}
}

// uptimes are when something last happened; 0 means not since the start. Nobody
// outside sees them, so changing them alone is no event.
type uptimes struct {
	answered time.Duration // plex.tv last accepted the token in use
	renewed  time.Duration // the owner's token was last renewed
	servers  time.Duration // plex.tv last listed the media servers
	emptied  time.Duration // plex.tv first listed none, after it had listed some
}

// makeLegible is for a state that somebody has edited: one text that D-Bus cannot
// carry would cost callers the whole answer.
func (r *record) makeLegible() {
	for _, a := range []*statefile.Auth{r.Auth, r.Owner} {
		if a == nil {
			continue
		}
		for _, text := range []*string{
			&a.UserID, &a.UUID, &a.Username, &a.Title, &a.Email, &a.Thumb, &a.SelectedServerID, &a.SelectedServerURI,
		} {
			*text = legible.Text(*text)
		}
	}
}

// instant is one moment, by plex.tv's clock and by the box's uptime.
type instant struct {
	date   time.Time
	uptime time.Duration
}

// within reports whether at lies less than d before i.
func (i instant) within(d, at time.Duration) bool { return at != 0 && i.uptime-at < d }

// stamp is the uptime at which something last happened.
type stamp struct{ uptime atomic.Int64 }

func (s *stamp) set(now instant) { s.uptime.Store(int64(now.uptime)) }

// within reports whether it happened less than d ago.
func (s *stamp) within(d time.Duration, now instant) bool {
	return now.within(d, time.Duration(s.uptime.Load()))
}

// endedPairings are the last pairings that ended, the newest first.
type endedPairings [16]endedPairing

type endedPairing struct {
	PinEnd
	expiresAt time.Time
}

// claimed corrects the end of a pairing whose claim was noticed after it.
func (p *endedPairings) claimed(id uint64) {
	for i := range p {
		if p[i].ID == id {
			p[i].Result = PinClaimed
		}
	}
}

func (p *endedPairings) add(end endedPairing) {
	copy(p[1:], p[:])
	p[0] = end
}

// find returns the pairing with that number, or the zero value.
func (p *endedPairings) find(id uint64) endedPairing {
	for _, end := range p {
		if end.ID == id {
			return end
		}
	}
	return endedPairing{}
}

// owner is the account that signed in, whichever user of its home is using the
// box; nil when nobody is signed in.
func (r *record) owner() *statefile.Auth {
	if r.Owner != nil {
		return r.Owner
	}
	return r.Auth
}

// userID is the id of the user in use, "" when signed out or not known yet.
func (r *record) userID() string {
	if r.Auth == nil {
		return ""
	}
	return r.Auth.UserID
}

func (r *record) refused() bool { return r.Auth != nil && !r.Auth.RefusedAt.IsZero() }

// locked reports whether the home user in use needs the PIN again, while who
// signed in still is.
func (r *record) locked() bool { return r.refused() && r.Owner != nil && r.Owner.RefusedAt.IsZero() }

// keyless reports whether the owner's token needs a device key that is missing.
func (r *record) keyless() bool {
	owner := r.owner()
	return owner != nil && owner.Kid != "" && r.DeviceKey == nil
}

// boundToKey reports whether the token in use is bound to the device key. The
// tokens of home users are not.
func (r *record) boundToKey() bool { return r.Owner == nil && r.Auth != nil && r.Auth.Kid != "" }

// wantsKey reports whether the owner's token is to be replaced by one that is
// bound to a device key. A pairing under way goes first: it was requested with
// the device as it is.
func (r *record) wantsKey() bool {
	owner := r.owner()
	return r.settings.Mode == ModeJWT && owner != nil && r.Pairing == nil && !r.refused() && owner.Kid == ""
}

// renewalDue is when the owner's token should be renewed, by plex.tv's time:
// between half and 70 % of its life. The client identifier spreads it, so that it
// survives a restart.
func (r *record) renewalDue() (due time.Time, ok bool) {
	owner := r.owner()
	if owner == nil || r.DeviceKey == nil || owner.Kid == "" || owner.ExpiresAt.IsZero() || owner.IssuedAt.IsZero() {
		return time.Time{}, false
	}
	spread := fnv.New32a()
	_, _ = spread.Write([]byte(r.ClientID + owner.IssuedAt.UTC().Format(time.RFC3339)))
	share := 0.5 + 0.2*float64(spread.Sum32())/(1<<32)
	life := owner.ExpiresAt.Sub(owner.IssuedAt)
	return owner.IssuedAt.Add(time.Duration(share * float64(life))), true
}

// pairing is the one with that number which plex.tv may still let somebody claim:
// under way or given up. It is nil if there is none.
func (r *record) pairing(id uint64) *statefile.Pairing {
	for _, p := range r.pairings() {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// pairings are the one under way and those that were given up, at the address of
// plex.tv that is in use.
func (r *record) pairings() (list []*statefile.Pairing) {
	for _, p := range append([]*statefile.Pairing{r.Pairing}, r.GivenUp[:]...) {
		if p != nil && (p.PlexURL == "" || p.PlexURL == r.PlexURL) {
			list = append(list, p)
		}
	}
	return list
}

func (r *record) device() device { return device{r.ClientID, r.DeviceKey} }

func (r *record) identity() plextv.Identity { return r.device().identity(r.settings) }

// deviceOf is the device that a pairing was requested with.
func (r *record) deviceOf(p *statefile.Pairing) device {
	d := device{clientID: p.ClientID}
	if d.clientID == "" {
		d.clientID = r.ClientID
	}
	switch {
	case p.Kid == "":
	case r.DeviceKey != nil && r.DeviceKey.Kid == p.Kid:
		d.key = r.DeviceKey
	default:
		d.key = &statefile.DeviceKey{Kid: p.Kid, PrivateKey: p.PrivateKey}
	}
	return d
}

// deviceForPin is the device to request a new PIN with. Until somebody claims the
// PIN the box keeps its own: the token it holds belongs to that one.
func (r *record) deviceForPin(now time.Time) (d device, err error) {
	d = r.device()
	switch {
	case r.settings.Mode != ModeJWT && d.key != nil:
		return device{clientID: uuid.NewString()}, nil
	case r.settings.Mode == ModeJWT && d.key == nil:
		d.key, err = newDeviceKey(now)
	}
	return d, err
}

// A home PIN has 4 digits. After freePins wrong ones each further one costs a
// pause, which doubles up to longestPinPause. Only an hour without a wrong one
// resets the count: a right PIN does not, because somebody who knows one PIN
// could guess at another between right ones.
const (
	freePins        = 3
	firstPinPause   = 30 * time.Second
	longestPinPause = 15 * time.Minute
	pinsResetAfter  = time.Hour
)

// countWrongPin counts one more wrong PIN. During a pause it does not count, and
// fails with [RateLimited]. A pause that ends too late, because the clock was wrong, is
// shortened to its limit.
func countWrongPin(before *statefile.HomePin, now time.Time) (*statefile.HomePin, error) {
	var count statefile.HomePin
	if before != nil && now.Sub(before.RetryAt) < pinsResetAfter {
		count = *before
	}
	if longest := now.Add(pinPause(count.Wrong)); count.RetryAt.After(longest) {
		count.RetryAt = longest
	}
	if left := count.RetryAt.Sub(now); left > 0 {
		return &count, errorf(RateLimited, "too many wrong PINs: try again in %s", (left + time.Second - 1).Truncate(time.Second))
	}
	count.Wrong++
	count.RetryAt = now.Add(pinPause(count.Wrong))
	return &count, nil
}

// pinPause is the pause after that many wrong PINs.
func pinPause(wrong uint64) time.Duration {
	if wrong < freePins {
		return 0
	}
	return min(longestPinPause, firstPinPause<<min(wrong-freePins, 10))
}

func sameSignIn(a, b *statefile.Auth) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.UserID == b.UserID && a.Token.Equal(b.Token) && a.RefusedAt.Equal(b.RefusedAt)
}
