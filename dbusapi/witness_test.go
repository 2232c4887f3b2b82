// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"context"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// witness is an account that remembers what it was given last, and says yes.
type witness struct{ given []any }

func (w *witness) take(given ...any) { w.given = given }

func (w *witness) Snapshot() *auth.Snapshot {
	return &auth.Snapshot{
		State: auth.SignedIn, Authenticated: true, Mode: auth.ModeLegacy,
		Pairing:     auth.Pairing{ID: 7, Code: "AB3X", LinkURI: "https://plex.tv/link", AuthURI: "https://plex.tv/link/?pin=AB3X"},
		User:        &auth.User{ID: "42"},
		Credentials: &auth.Credentials{Token: secret.New("t"), UserID: "42"},
		Headers:     auth.Headers{"Accept": "application/json"},
	}
}

func (w *witness) Fresh(context.Context) *auth.Snapshot               { return w.Snapshot() }
func (w *witness) IsFresh() bool                                      { return true }
func (w *witness) Validate(context.Context) (bool, error)             { return true, nil }
func (w *witness) Token() (secret.String, error)                      { return secret.New("t"), nil }
func (w *witness) Clear(context.Context) error                        { return nil }
func (w *witness) SignOut(context.Context) (bool, error)              { return true, nil }
func (w *witness) ListUsers(context.Context) ([]auth.HomeUser, error) { return nil, nil }

func (w *witness) Subscribe(func(auth.Event)) (settle func(context.Context), cancel func()) {
	return func(context.Context) {}, func() {}
}

func (w *witness) ListServers(context.Context) ([]auth.MediaServer, error) { return nil, nil }

func (w *witness) RequestPin(_ context.Context, o auth.PinOptions) (auth.Pairing, error) {
	w.take(o.Strong, o.Force)
	return w.Snapshot().Pairing, nil
}

func (w *witness) CheckPin(_ context.Context, id uint64) (bool, time.Time, error) {
	w.take(id)
	return true, time.Time{}, nil
}

func (w *witness) CancelPin(_ context.Context, id uint64) error {
	w.take(id)
	return nil
}

func (w *witness) ValidateToken(_ context.Context, token secret.String) (bool, error) {
	w.take(token.Reveal())
	return true, nil
}

func (w *witness) Store(_ context.Context, c auth.Credentials) error {
	w.take(c.Token.Reveal(), c.UserID, c.Username, c.Email, c.Thumb, c.ServerMachineID, c.ServerURI)
	return nil
}

func (w *witness) SelectServer(_ context.Context, s auth.Server) error {
	w.take(s.MachineID, s.URI)
	return nil
}

func (w *witness) ServerHeaders(_ context.Context, machineID string) (auth.Headers, error) {
	w.take(machineID)
	return auth.Headers{}, nil
}

func (w *witness) RenewServerHeaders(_ context.Context, machineID string) (auth.Headers, error) {
	w.take(machineID)
	return auth.Headers{}, nil
}

func (w *witness) SwitchUser(_ context.Context, uuid string, pin secret.String) error {
	w.take(uuid, pin.Reveal())
	return nil
}
