package auth

import (
	"context"
	"encoding/json"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// Plex is what an [Account] asks of plex.tv. [plextv.Client] is the real one.
type Plex interface {
	PlexPins
	PlexTokens
	PlexHousehold
}

// PlexPins are the questions of a pairing.
type PlexPins interface {
	RequestPin(ctx context.Context, id plextv.Identity, strong bool) (plextv.Pin, error)
	RequestPinWithKey(ctx context.Context, id plextv.Identity, jwk json.RawMessage, strong bool) (plextv.Pin, error)
	CheckPin(ctx context.Context, id plextv.Identity, pinID secret.String) (plextv.Pin, error)
	CheckPinWithKey(ctx context.Context, id plextv.Identity, pinID, deviceJWT secret.String) (plextv.Pin, error)
}

// PlexTokens are the questions that keep a token good, and the one that ends it.
type PlexTokens interface {
	User(ctx context.Context, id plextv.Identity, token secret.String) (plextv.User, error)
	SignOut(ctx context.Context, id plextv.Identity, token secret.String) error
	RegisterKey(ctx context.Context, id plextv.Identity, token secret.String, jwk json.RawMessage) error
	Nonce(ctx context.Context, id plextv.Identity) (secret.String, error)
	Exchange(ctx context.Context, id plextv.Identity, deviceJWT secret.String) (secret.String, error)
	SigningKeys(ctx context.Context, id plextv.Identity) (json.RawMessage, error)
}

// PlexHousehold are the questions about media servers and the users of a home.
type PlexHousehold interface {
	Resources(ctx context.Context, id plextv.Identity, token secret.String) ([]plextv.Resource, error)
	HomeUsers(ctx context.Context, id plextv.Identity, token secret.String) ([]plextv.HomeUser, error)
	SwitchHomeUser(ctx context.Context, id plextv.Identity, token secret.String, uuid string, pin secret.String) (secret.String, plextv.User, error)
}
