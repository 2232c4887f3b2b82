package dbusapi

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// credentialMembers are the methods of tv.retune.PlexAuth1.Credentials.
func (s *Service) credentialMembers() members {
	credentials, token := arg{"credentials", "a{sv}"}, arg{"token", "s"}
	return members{
		"GetToken":             {action: readCredentials, run: s.getToken},
		"GetCurrentUser":       {action: readCredentials, run: s.getCurrentUser},
		"GetAuthHeaders":       {action: readCredentials, run: s.getAuthHeaders},
		"GetStoredCredentials": {action: readCredentials, run: s.getStoredCredentials},
		"StoreCredentials":     {action: manage, asksPlex: true, in: []arg{credentials}, run: s.storeCredentials},
		"ValidateToken":        {action: readCredentials, asksPlex: true, in: []arg{token}, run: s.validateToken},
		"ClearCredentials":     {action: manage, run: s.clearCredentials},
		"SignOut":              {action: manage, asksPlex: true, run: s.signOut},
		"SelectServer":         {action: manage, in: []arg{{"machine_id", "s"}, {"uri", "s"}}, run: s.selectServer},
	}
}

func (s *Service) getToken(context.Context, *call) ([]any, error) {
	token, err := s.account.Token()
	return single(token.Reveal(), err)
}

func (s *Service) getCurrentUser(context.Context, *call) ([]any, error) {
	user := map[string]dbus.Variant{}
	if u := s.account.Snapshot().User; u != nil {
		user = map[string]dbus.Variant{
			"id":         dbus.MakeVariant(u.ID),
			"uuid":       dbus.MakeVariant(u.UUID),
			"username":   dbus.MakeVariant(u.Username),
			"title":      dbus.MakeVariant(u.Title),
			"email":      dbus.MakeVariant(u.Email),
			"thumb":      dbus.MakeVariant(u.Thumb),
			"home_admin": dbus.MakeVariant(u.HomeAdmin),
			"restricted": dbus.MakeVariant(u.Restricted),
		}
	}
	return []any{user}, nil
}

func (s *Service) getAuthHeaders(context.Context, *call) ([]any, error) {
	return []any{map[string]string(s.account.Snapshot().Headers)}, nil
}

func (s *Service) getStoredCredentials(context.Context, *call) ([]any, error) {
	stored := map[string]dbus.Variant{}
	if c := s.account.Snapshot().Credentials; c != nil {
		stored = map[string]dbus.Variant{
			"token":               dbus.MakeVariant(c.Token.Reveal()),
			"user_id":             dbus.MakeVariant(c.UserID),
			"username":            dbus.MakeVariant(c.Username),
			"email":               dbus.MakeVariant(c.Email),
			"thumb":               dbus.MakeVariant(c.Thumb),
			"issued_at":           dbus.MakeVariant(unix(c.IssuedAt)),
			"expires_at":          dbus.MakeVariant(unix(c.ExpiresAt)),
			"selected_server_id":  dbus.MakeVariant(c.ServerMachineID),
			"selected_server_uri": dbus.MakeVariant(c.ServerURI),
		}
	}
	return []any{stored}, nil
}

// storeCredentials ignores keys that it does not know: dictionaries may grow.
func (s *Service) storeCredentials(ctx context.Context, c *call) ([]any, error) {
	var given auth.Credentials
	var token string
	var issuedAt, expiresAt int64
	r := reader{values: c.body[0].(map[string]dbus.Variant), name: "credentials"}
	r.read("token", &token)
	r.read("user_id", &given.UserID)
	r.read("username", &given.Username)
	r.read("email", &given.Email)
	r.read("thumb", &given.Thumb)
	r.read("issued_at", &issuedAt)
	r.read("expires_at", &expiresAt)
	r.read("selected_server_id", &given.ServerMachineID)
	r.read("selected_server_uri", &given.ServerURI)
	if r.err != nil {
		return nil, r.err
	}
	given.Token = secret.New(token)
	given.IssuedAt, given.ExpiresAt = fromUnix(issuedAt), fromUnix(expiresAt)
	return nil, s.account.Store(ctx, given)
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	// Further out time.Time begins anew; here the account refuses it.
	const early, late = -1, 1 << 40
	return time.Unix(min(max(seconds, early), late), 0)
}

func (s *Service) validateToken(ctx context.Context, c *call) ([]any, error) {
	return single(s.account.ValidateToken(ctx, secret.New(c.body[0].(string))))
}

func (s *Service) clearCredentials(ctx context.Context, _ *call) ([]any, error) {
	return nil, s.account.Clear(ctx)
}

func (s *Service) signOut(ctx context.Context, _ *call) ([]any, error) {
	return single(s.account.SignOut(ctx))
}

func (s *Service) selectServer(ctx context.Context, c *call) ([]any, error) {
	return nil, s.account.SelectServer(ctx, auth.Server{MachineID: c.body[0].(string), URI: c.body[1].(string)})
}
