// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
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

// MediaServer is a Plex Media Server of the account in use. The state file keeps
// it in JSON.
type MediaServer struct {
	MachineID string   `json:"machine_id"`
	Name      string   `json:"name"`
	Owned     bool     `json:"owned"`    // the account's own, not shared with it
	Presence  bool     `json:"presence"` // plex.tv has heard from it recently
	URIs      []string `json:"uris"`     // local ones first, plex.tv's relay last
}

// knownServer is a server with the token that it accepts, "" if plex.tv gave none.
// The list is as long as plex.tv says, and secret as a whole.
type knownServer struct {
	MediaServer
	Token    string `json:"token"`
	NeedsPin bool   `json:"needs_pin,omitempty"` // for the token
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
	token   secret.String // by identity
	retoken bool
}

func (m *mediaServers) list(ctx context.Context) ([]MediaServer, error) {
	known, err := m.known(ctx, listMaxAge, false)
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
	known, err := m.known(ctx, maxAge, retoken)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(known, func(s knownServer) bool { return s.MachineID == machineID })
	switch {
	case at < 0:
		return nil, errorf(NotFound, "the account has no such media server")
	case known[at].Token == "" && !known[at].NeedsPin:
		return nil, errorf(NoServerToken, "plex.tv gives this user no token for this media server")
	case known[at].Token == "":
		return nil, errorf(PinRejected, "plex.tv gives the token for this media server only with the PIN of the home user: switch to that user with it")
	}
	headers := Headers{}
	maps.Copy(headers, m.snapshot().Headers)
	headers["X-Plex-Token"] = known[at].Token
	return headers, nil
}

// known returns the servers that are known. If the list is as old as maxAge, or
// for other tokens, it asks plex.tv first; callers share the answer.
func (m *mediaServers) known(ctx context.Context, maxAge time.Duration, retoken bool) ([]knownServer, error) {
	r, now := m.current.Load(), m.now()
	known, age := knownServers(r.Servers), anyAge-1
	// A refused sign-in is no reason to stop a film at home.
	if _, err := r.snapshot.token(); err != nil && (known == nil || CodeOf(err) != AuthInvalid) {
		return nil, err
	}
	switch {
	case retoken && m.retoken.within(maxAge, now):
		age = 0 // whatever plex.tv answered
	case r.times.servers != 0:
		age = now.uptime - r.times.servers
	}
	if known != nil && age < maxAge {
		return known, nil
	}
	if retoken {
		m.retoken.set(now)
	}
	listed, err := m.lists.do(ctx, m.life, listKey{r.Auth.Token, retoken}, func(ctx context.Context) ([]knownServer, error) {
		return m.ask(ctx, r.record, retoken)
	})
	if err != nil && known != nil && (isInconclusive(err) || isRefusal(err)) && ctx.Err() == nil {
		return known, nil
	}
	return listed, err
}

// knownServers is nil if there is no list, or none that can be read.
func knownServers(s *statefile.Servers) (known []knownServer) {
	if s == nil || json.Unmarshal([]byte(s.List.Reveal()), &known) != nil {
		return nil
	}
	return known
}

// ask asks plex.tv for the servers and keeps the answer.
func (m *mediaServers) ask(ctx context.Context, r *record, retoken bool) ([]knownServer, error) {
	user := r.Auth
	own, resources, err := m.resources(ctx, r, retoken)
	if err != nil {
		return nil, err
	}
	known := make([]knownServer, 0, len(resources))
	for _, s := range resources {
		listed := knownServer{MediaServer: MediaServer{s.MachineID, s.Name, s.Owned, s.Presence, s.URIs}, Token: s.AccessToken.Reveal()}
		if r.boundToKey() && isJWT(s.AccessToken) { // which media servers refuse
			listed.Token, listed.NeedsPin = own.token.Reveal(), own.needsPin
		}
		known = append(known, listed)
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	list := &statefile.Servers{List: secret.New(string(text)), OwnToken: own.token, FetchedAt: m.time.Now()}
	return known, m.saveOrKeep(ctx, func(next *record, _ *Event) error {
		same := next.Auth != nil && next.Auth.UserID == user.UserID
		if same && (user.UserID != "" || next.Auth.Token.Equal(user.Token)) {
			next.keepServers(list, m.now())
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
		list, err = m.plex.Resources(ctx, m.record().identity(), own.token)
	}
	if isPlexKind(err, plextv.Refused) && own.token.Equal(kept) {
		if own.token, err = m.switchToSelf(ctx, r.Auth.UUID, secret.String{}); err == nil {
			list, err = m.plex.Resources(ctx, m.record().identity(), own.token)
		}
	}
	if err == nil || isInconclusive(err) {
		return own, list, err
	}
	own = ownToken{needsPin: isPlexKind(err, plextv.PinRejected)}
	// Shared media servers have tokens of their own, for which no PIN is needed.
	list, err = asOwner(ctx, m.session, m.plex.Resources)
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
