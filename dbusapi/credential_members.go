// SPDX-License-Identifier: Apache-2.0

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
	credentials, token, machineID := arg{"credentials", "a{sv}"}, arg{"token", "s"}, arg{"machine_id", "s"}
	return members{
		"GetToken":             {action: readCredentials, atOnce: s.getToken, givesToken: true},
		"GetCurrentUser":       {action: readCredentials, atOnce: s.getCurrentUser},
		"GetAuthHeaders":       {action: readCredentials, atOnce: s.getAuthHeaders, givesToken: true},
		"GetStoredCredentials": {action: readCredentials, atOnce: s.getStoredCredentials, givesToken: true},
		"StoreCredentials":     {action: manage, asksPlex: true, in: []arg{credentials}, run: s.storeCredentials},
		"ValidateToken":        {action: readCredentials, asksPlex: true, in: []arg{token}, run: s.validateToken},
		"ClearCredentials":     {action: manage, run: s.clearCredentials},
		"SignOut":              {action: manage, asksPlex: true, run: s.signOut},
		"SelectServer":         {action: manage, in: []arg{machineID, {"uri", "s"}}, run: s.selectServer},
		"ListServers":          {action: readCredentials, asksPlex: true, run: s.listServers},
		"GetServerHeaders":     {action: readCredentials, asksPlex: true, in: []arg{machineID}, run: s.getServerHeaders},
		"RenewServerHeaders":   {action: readCredentials, asksPlex: true, in: []arg{machineID}, run: s.renewServerHeaders},
	}
}

func (s *Service) getToken(*auth.Snapshot, job) ([]any, error) {
	token, err := s.account.Token()
	return single(token.Reveal(), err)
}

func (s *Service) getCurrentUser(now *auth.Snapshot, _ job) ([]any, error) {
	user := map[string]dbus.Variant{}
	if u := now.User; u != nil {
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

func (s *Service) getAuthHeaders(now *auth.Snapshot, _ job) ([]any, error) {
	return []any{map[string]string(now.Headers)}, nil
}

func (s *Service) getStoredCredentials(now *auth.Snapshot, _ job) ([]any, error) {
	stored := map[string]dbus.Variant{}
	if c := now.Credentials; c != nil {
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
func (s *Service) storeCredentials(ctx context.Context, j job) ([]any, error) {
	var given auth.Credentials
	var token string
	var issuedAt, expiresAt int64
	r := reader{values: j.args[0].(map[string]dbus.Variant), name: "credentials"}
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
	// Beyond these, time.Time overflows; these the account refuses.
	const early, late = -1, 1 << 40
	return time.Unix(min(max(seconds, early), late), 0)
}

func (s *Service) validateToken(ctx context.Context, j job) ([]any, error) {
	return single(s.account.ValidateToken(ctx, secret.New(j.args[0].(string))))
}

func (s *Service) clearCredentials(ctx context.Context, _ job) ([]any, error) {
	return nil, s.account.Clear(ctx)
}

func (s *Service) signOut(ctx context.Context, _ job) ([]any, error) {
	return single(s.account.SignOut(ctx))
}

func (s *Service) selectServer(ctx context.Context, j job) ([]any, error) {
	return nil, s.account.SelectServer(ctx, auth.Server{MachineID: j.args[0].(string), URI: j.args[1].(string)})
}

func (s *Service) listServers(ctx context.Context, _ job) ([]any, error) {
	servers, err := s.account.ListServers(ctx)
	list := []map[string]dbus.Variant{}
	for _, server := range servers {
		list = append(list, map[string]dbus.Variant{
			"machine_id": dbus.MakeVariant(server.MachineID),
			"name":       dbus.MakeVariant(server.Name),
			"owned":      dbus.MakeVariant(server.Owned),
			"presence":   dbus.MakeVariant(server.Presence),
			"uris":       dbus.MakeVariant(server.URIs),
		})
	}
	return single(list, err)
}

func (s *Service) getServerHeaders(ctx context.Context, j job) ([]any, error) {
	headers, err := s.account.ServerHeaders(ctx, j.args[0].(string))
	return single(map[string]string(headers), err)
}

func (s *Service) renewServerHeaders(ctx context.Context, j job) ([]any, error) {
	headers, err := s.account.RenewServerHeaders(ctx, j.args[0].(string))
	return single(map[string]string(headers), err)
}
