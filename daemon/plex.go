package daemon

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/daemon/config"
)

// plexSwitch is the plex.tv client in use; a reload replaces it between two questions.
type plexSwitch struct{ client atomic.Pointer[plextv.Client] }

func (p *plexSwitch) set(c config.Config, log *slog.Logger) error {
	client, err := plextv.New(plextv.Config{BaseURL: c.PlexURL, Timeout: c.RequestTimeout, Log: log})
	if err != nil {
		return &UsageError{Err: err}
	}
	if old := p.client.Swap(client); old != nil {
		old.CloseIdleConnections()
	}
	return nil
}

// RequestPin implements [auth.Plex].
func (p *plexSwitch) RequestPin(ctx context.Context, id plextv.Identity, strong bool) (plextv.Pin, error) {
	return p.client.Load().RequestPin(ctx, id, strong)
}

// CheckPin implements [auth.Plex].
func (p *plexSwitch) CheckPin(ctx context.Context, id plextv.Identity, pinID secret.String) (plextv.Pin, error) {
	return p.client.Load().CheckPin(ctx, id, pinID)
}

// User implements [auth.Plex].
func (p *plexSwitch) User(ctx context.Context, id plextv.Identity, token secret.String) (plextv.User, error) {
	return p.client.Load().User(ctx, id, token)
}

// SignOut implements [auth.Plex].
func (p *plexSwitch) SignOut(ctx context.Context, id plextv.Identity, token secret.String) error {
	return p.client.Load().SignOut(ctx, id, token)
}

func settingsOf(c config.Config) auth.Settings {
	return auth.Settings{
		Identity: plextv.Identity{
			Product: c.Identity.Product, Version: c.Identity.Version,
			Platform: c.Identity.Platform, PlatformVersion: c.Identity.PlatformVersion,
			Device: c.Identity.Device, DeviceName: c.Identity.DeviceName,
		},
		PollInterval:   c.PollInterval,
		PairingTimeout: c.PairingTimeout,
	}
}
