package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const (
	// serversAgainAfter is how old a list of servers must be for ListServers to
	// ask plex.tv again.
	serversAgainAfter = 15 * time.Second
	// renewServerAgainAfter is the least time between two questions because a
	// media server refused its token: a server that refuses any would have us
	// ask for ever.
	renewServerAgainAfter = time.Minute
	// forEver is an age that nothing reaches.
	forEver = time.Duration(math.MaxInt64)
)

// MediaServer is a Plex Media Server of the account in use.
type MediaServer struct {
	MachineID, Name string
	Owned           bool     // the account's own, not shared with it
	Presence        bool     // plex.tv has heard of it of late
	URIs            []string // local ones first, plex.tv's relay last
}

// knownServer is a server as the state file keeps it, in JSON: the list is as
// long as plex.tv says, and a secret as a whole.
type knownServer struct {
	MachineID string   `json:"machine_id"`
	Name      string   `json:"name"`
	Owned     bool     `json:"owned"`
	Presence  bool     `json:"presence"`
	URIs      []string `json:"uris"`
	Token     string   `json:"token"` // that this server takes; "" if plex.tv gave none
}

// ListServers gives the media servers of the account in use, as plex.tv lists
// them now. While plex.tv cannot be asked it gives the last good answer, which
// outlives restarts. [AuthRequired] when nobody is signed in.
func (a *Account) ListServers(ctx context.Context) ([]MediaServer, error) {
	known, err := a.servers(ctx, serversAgainAfter, false)
	if err != nil {
		return nil, err
	}
	servers := make([]MediaServer, 0, len(known))
	for _, s := range known {
		servers = append(servers, MediaServer{s.MachineID, s.Name, s.Owned, s.Presence, s.URIs})
	}
	return servers, nil
}

// ServerHeaders gives the headers for a media server, with the token that this
// server takes: media servers refuse the token of a device key, though plex.tv
// takes it. What is known of the server is given without asking plex.tv.
// [NotFound] if the account has no such server, [PinRejected] if plex.tv gives
// its token only to who knows the home user's PIN: [Account.SwitchUser] then
// gets it.
func (a *Account) ServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	headers, err := a.serverHeaders(ctx, machineID, forEver, false)
	if code := CodeOf(err); code == NotFound || code == PinRejected {
		headers, err = a.serverHeaders(ctx, machineID, serversAgainAfter, false)
	}
	return headers, err
}

// RenewServerHeaders is for who was refused by the media server with what
// ServerHeaders gave: plex.tv is asked for another token first, at most once a
// minute.
func (a *Account) RenewServerHeaders(ctx context.Context, machineID string) (Headers, error) {
	return a.serverHeaders(ctx, machineID, renewServerAgainAfter, true)
}

func (a *Account) serverHeaders(ctx context.Context, machineID string, maxAge time.Duration, anew bool) (Headers, error) {
	if err := checkText("machine_id", machineID); err != nil {
		return nil, err
	}
	known, err := a.servers(ctx, maxAge, anew)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(known, func(s knownServer) bool { return s.MachineID == machineID })
	switch {
	case at < 0:
		return nil, errorf(NotFound, "the account has no such media server")
	case known[at].Token == "":
		return nil, errorf(PinRejected, "plex.tv gives the token for this media server only with the PIN of the home user: switch to that user with it")
	}
	headers := Headers{}
	maps.Copy(headers, a.Snapshot().Headers)
	headers["X-Plex-Token"] = known[at].Token
	return headers, nil
}

// servers gives what is known, and asks plex.tv first if that is as old as
// maxAge, or for other tokens if anew. Callers that come together share the
// answer.
func (a *Account) servers(ctx context.Context, maxAge time.Duration, anew bool) ([]knownServer, error) {
	user, kept, age, err := a.keptServers(ctx)
	if err != nil {
		return nil, err
	}
	known := kept.list()
	if anew && a.askedOfLate(&a.serversAskedAt, maxAge) {
		age = 0 // whatever came of it
	}
	if known != nil && age < maxAge {
		return known, nil
	}
	if anew {
		a.mark(&a.serversAskedAt)
	}
	key := fmt.Sprint(anew, user.Token.Reveal())
	asked, err := a.lists.do(ctx, a.life, key, func(ctx context.Context) ([]knownServer, error) {
		return a.askServers(ctx, user, kept, anew)
	})
	if err != nil && known != nil && saysNothing(err) && ctx.Err() == nil {
		return known, nil
	}
	return asked, err
}

// keptServers gives the last good answer, who it was for, and its age.
func (a *Account) keptServers(ctx context.Context) (user *statefile.Auth, kept keptServers, age time.Duration, err error) {
	if _, err := a.Token(); err != nil {
		return nil, kept, 0, err
	}
	age = forEver - 1 // of what is from before the start
	err = a.look(ctx, func(r *record) {
		user, kept.Servers = r.Auth, r.Servers
		if r.serversAt != 0 {
			age = a.time.Uptime() - r.serversAt
		}
	})
	if err == nil && user == nil {
		err = errSignedOut()
	}
	return user, kept, age, err
}

// keptServers is the answer of plex.tv that the state file has, or nil.
type keptServers struct{ *statefile.Servers }

// list is nil if there is none, or none that can be read.
func (k keptServers) list() (known []knownServer) {
	if k.Servers == nil || json.Unmarshal([]byte(k.List.Reveal()), &known) != nil {
		return nil
	}
	return known
}

func (k keptServers) ownToken() secret.String {
	if k.Servers == nil {
		return secret.String{}
	}
	return k.OwnToken
}

// askServers asks plex.tv and keeps the answer.
func (a *Account) askServers(ctx context.Context, user *statefile.Auth, kept keptServers, anew bool) ([]knownServer, error) {
	own, list, err := a.askResources(ctx, user, kept.ownToken(), anew)
	if err != nil {
		return nil, err
	}
	known := make([]knownServer, 0, len(list))
	for _, s := range list {
		token := s.AccessToken
		if isJWT(token) {
			token = own // a media server would refuse it
		}
		known = append(known, knownServer{s.MachineID, s.Name, s.Owned, s.Presence, s.URIs, token.Reveal()})
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	answer := &statefile.Servers{List: secret.New(string(text)), OwnToken: own, FetchedAt: a.time.Now()}
	return known, a.accept(ctx, func(next *record, _ *Event) error {
		same := next.Auth != nil && next.Auth.UserID == user.UserID
		if same && (user.UserID != "" || next.Auth.Token.Equal(user.Token)) {
			next.Servers, next.serversAt = answer, a.time.Uptime()
		}
		return nil
	})
}

// askResources asks with an opaque token where there is one: asked with the token
// of a device key plex.tv gives that for owned media servers, which refuse it.
// own is the opaque token of who signed in with a device key.
func (a *Account) askResources(ctx context.Context, user *statefile.Auth, kept secret.String, anew bool) (own secret.String, list []plextv.Resource, err error) {
	if !isJWT(user.Token) {
		list, err = a.resources(ctx, user.Token)
		if isPlexKind(err, plextv.Refused) {
			// That of a home user ends after a while. It is no refusal of who
			// signed in, so another one comes before any doubt.
			if err = a.replaceRefused(ctx, user.Token, err); err == nil {
				list, err = a.resources(ctx, a.tokenInUse())
			}
		}
		return own, list, err
	}
	if own = kept; own.IsZero() || anew {
		own, err = a.ownToken(ctx, user.UUID, kept)
	}
	if err == nil {
		list, err = a.resources(ctx, own)
	}
	if isPlexKind(err, plextv.Refused) && own.Equal(kept) {
		if own, err = a.ownToken(ctx, user.UUID, secret.String{}); err == nil {
			list, err = a.resources(ctx, own)
		}
	}
	if err == nil || saysNothing(err) {
		return own, list, err
	}
	// Without the PIN: shared media servers have tokens of their own all the same.
	err = a.asHolder(ctx, func(id plextv.Identity, token secret.String) (err error) {
		list, err = a.plex.Resources(ctx, id, token)
		return err
	})
	return secret.String{}, list, err
}

// tokenInUse is zero when nobody is signed in.
func (a *Account) tokenInUse() secret.String {
	if c := a.Snapshot().Credentials; c != nil {
		return c.Token
	}
	return secret.String{}
}

func (a *Account) resources(ctx context.Context, token secret.String) ([]plextv.Resource, error) {
	id, err := a.identity(ctx)
	if err != nil {
		return nil, err
	}
	return a.plex.Resources(ctx, id, token)
}

// ownToken gets an opaque token of who signed in by a switch to that very user,
// as one client has found, or gives the one that is kept if plex.tv wants the
// user's PIN for it.
func (a *Account) ownToken(ctx context.Context, uuid string, kept secret.String) (own secret.String, err error) {
	err = a.asHolder(ctx, func(id plextv.Identity, token secret.String) (err error) {
		own, _, err = a.plex.SwitchHomeUser(ctx, id, token, uuid, secret.String{})
		return err
	})
	if err != nil && !saysNothing(err) && !kept.IsZero() {
		return kept, nil
	}
	return own, err
}
