// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const (
	// listMaxAge is how old a list of servers may be before ListServers asks
	// plex.tv again.
	listMaxAge = 15 * time.Second
	// retokenPause is the least time between two requests for other tokens: a
	// media server that refuses every token must not make us ask without end.
	retokenPause = time.Minute
	// anyAge is an age that no list reaches.
	anyAge = time.Duration(math.MaxInt64)
)

// MediaServer is a Plex Media Server of the account in use. The store keeps it in
// JSON.
type MediaServer struct {
	MachineID string   `json:"machine_id"`
	Name      string   `json:"name"`
	Owned     bool     `json:"owned"`    // the account's own, not shared with it
	Presence  bool     `json:"presence"` // plex.tv has heard from it recently
	URIs      []string `json:"uris"`     // local ones first, plex.tv's relay last
}

// mediaServers knows the media servers of the account in use and their tokens.
type mediaServers struct {
	*ledger
	plex    *plextv.Client
	session *session
	lists   flight[listKey, []knownServer]
	retoken stamp // plex.tv was asked for other tokens
}

// listKey tells apart the lists that callers must not share.
type listKey struct {
	token    secret.String // by identity
	retoken  bool
	demanded bool // somebody wants the list itself
}

func (m *mediaServers) list(ctx context.Context) ([]MediaServer, error) {
	known, err := m.known(ctx, listMaxAge, listKey{demanded: true})
	if err != nil {
		return nil, err
	}
	servers := make([]MediaServer, len(known))
	for i, s := range known {
		servers[i] = s.MediaServer
	}
	return servers, nil
}

// headers uses what is known of the server, and asks plex.tv if that is no help.
func (m *mediaServers) headers(ctx context.Context, machineID string) (Headers, error) {
	headers, err := m.headersWithin(ctx, machineID, anyAge, false)
	switch CodeOf(err) {
	case NotFound, NoServerToken, PinRejected:
		headers, err = m.headersWithin(ctx, machineID, listMaxAge, false)
	}
	return headers, err
}

// headersWithin uses a list that is younger than maxAge, or asks plex.tv; with
// retoken it asks for other tokens.
func (m *mediaServers) headersWithin(ctx context.Context, machineID string, maxAge time.Duration, retoken bool) (Headers, error) {
	if err := checkText("machine_id", machineID); err != nil {
		return nil, err
	}
	known, err := m.known(ctx, maxAge, listKey{retoken: retoken, demanded: retoken})
	if err != nil {
		return nil, err
	}
	server, ok := serverIn(known, machineID)
	switch {
	case !ok:
		return nil, errorf(NotFound, "the account has no such media server")
	case server.Token == "" && !server.NeedsPin:
		return nil, errorf(NoServerToken, "plex.tv gives this user no token for this media server")
	case server.Token == "":
		return nil, errorf(PinRejected, "plex.tv gives the token for this media server only with the PIN of the home user: switch to that user with it")
	}
	headers := Headers{}
	maps.Copy(headers, m.snapshot().Headers)
	headers["X-Plex-Token"] = server.Token
	return headers, nil
}

// known returns the servers that are known. If the list is as old as maxAge, or
// for other tokens, it asks plex.tv first; callers share the answer.
func (m *mediaServers) known(ctx context.Context, maxAge time.Duration, key listKey) ([]knownServer, error) {
	r, now := m.current.Load(), m.now()
	known, age := knownServers(r.Servers), anyAge-1
	// A refused sign-in is no reason to stop a film at home.
	if _, err := r.snapshot.token(); err != nil && (known == nil || CodeOf(err) != AuthInvalid) {
		return nil, err
	}
	switch {
	case key.retoken && m.retoken.within(maxAge, now):
		age = 0 // whatever plex.tv answered
	case r.times.servers != 0:
		age = now.uptime - r.times.servers
	}
	if known != nil && age < maxAge {
		return known, nil
	}
	if key.retoken {
		m.retoken.set(now)
	}
	key.token = r.Auth.Token
	listed, err := m.lists.do(ctx, m.life, key, func(ctx context.Context) ([]knownServer, error) {
		return m.ask(ctx, r.record, key)
	})
	if err != nil && known != nil && (isInconclusive(err) || isRefusal(err)) && ctx.Err() == nil {
		if _, err := m.snapshot().token(); CodeOf(err) == UserLocked { // by this very refusal
			return nil, err
		}
		return known, nil
	}
	return listed, err
}

// ask asks plex.tv for the servers and keeps the answer. An empty list after a full
// one is believed when it comes again, an hour later or because somebody has asked for
// the list once more.
func (m *mediaServers) ask(ctx context.Context, r *record, key listKey) ([]knownServer, error) {
	own, resources, err := m.resources(ctx, r, key.retoken)
	if err != nil {
		return nil, err
	}
	before := knownServers(r.Servers)
	known := listed(resources, own, r.boundToKey(), before)
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	list := &statefile.Servers{List: secret.New(string(text)), OwnToken: own.token}
	return known, m.saveOrKeep(ctx, func(next *record, _ *Event) error {
		switch now := m.now(); {
		case next.turns != r.turns:
		case len(known) == 0 && len(before) > 0 && !next.emptyAgain(key.demanded, now):
			known = before
		default:
			next.keepServers(list, now)
		}
		return nil
	})
}

// ownToken is the opaque token of an owner with a device key, zero if plex.tv gives
// none: needsPin tells whether it would with the PIN.
type ownToken struct {
	token    secret.String
	needsPin bool
}

// resources asks with an opaque token where there is one: asked with the token of
// a device key, plex.tv returns that for owned media servers, which refuse it.
func (m *mediaServers) resources(ctx context.Context, r *record, retoken bool) (own ownToken, list []plextv.Resource, err error) {
	if !r.boundToKey() {
		list, err = m.plex.Resources(ctx, r.identity(), r.Auth.Token)
		if err == nil {
			return own, list, m.session.trust(ctx, r.Auth.Token)
		}
		if isPlexKind(err, plextv.Refused) {
			// The token of a home user ends after some time. That is no refusal of
			// the owner, so it is replaced before it is doubted.
			if err = m.session.replace(ctx, r.Auth.Token, err); err == nil {
				if r = m.record(); r.Auth == nil {
					return own, nil, errSignedOut()
				}
				list, err = m.plex.Resources(ctx, r.identity(), r.Auth.Token)
			}
		}
		return own, list, err
	}
	var kept secret.String
	if r.Servers != nil {
		kept = r.Servers.OwnToken
	}
	if own.token = kept; kept.IsZero() || retoken {
		own.token, err = m.switchToSelf(ctx, r.Auth.UUID, kept)
	}
	if err == nil {
		list, err = m.plex.Resources(ctx, r.identity(), own.token)
	}
	if isPlexKind(err, plextv.Refused) && own.token.Equal(kept) {
		if own.token, err = m.switchToSelf(ctx, r.Auth.UUID, secret.String{}); err == nil {
			list, err = m.plex.Resources(ctx, r.identity(), own.token)
		}
	}
	if err == nil || isInconclusive(err) {
		return own, list, err
	}
	own = ownToken{needsPin: isPlexKind(err, plextv.PinRejected)}
	// Shared media servers have tokens of their own, for which no PIN is needed.
	err = m.session.asOwner(ctx, func(id plextv.Identity, token secret.String) (err error) {
		list, err = m.plex.Resources(ctx, id, token)
		return err
	})
	return own, list, err
}

// switchToSelf gets an opaque token of the owner by a switch to that very user, as
// one client has found, or returns kept if plex.tv gives none.
func (m *mediaServers) switchToSelf(ctx context.Context, uuid string, kept secret.String) (secret.String, error) {
	own, _, err := m.session.switchUser(ctx, uuid, secret.String{})
	if err != nil && !isInconclusive(err) && !kept.IsZero() {
		return kept, nil
	}
	return own, err
}
