// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
)

// The newest layout that this package knows. An older file, from before the
// layout had a number, has no version key (or 0) and is otherwise the same:
// it is read as it is, and the next Save adds the number.
const version = 1

// The top-level tables. The first two are known beyond this daemon.
const (
	authTable      = "retune_plex_auth"
	deviceKeyTable = "retune_device_key"
	userTable      = "plexauthd_user"
	pairingTable   = "plexauthd_pairing"
	homeTable      = "plexauthd_home"
	serversTable   = "plexauthd_servers"
	homePinTable   = "plexauthd_home_pin"
	pausesTable    = "plexauthd_pauses"
	plexTable      = "plexauthd_plex"
	awayTable      = "plexauthd_away"
	awayKeyTable   = "plexauthd_away_key"
	awayUserTable  = "plexauthd_away_user"
	awayOwnerTable = "plexauthd_away_home"
)

// section is one table of the document and the keys in it that are ours.
type section struct {
	table  toml.Key // empty for the keys above the first table
	gone   bool     // the whole table is to be absent, sub-tables too
	fields []field
}

// layout lists our keys in the order of the file, tied to s.
func layout(s *State) []section {
	root := section{fields: []field{{key: "retune_client_id", at: &s.ClientID}}}
	list := append(append(append(make([]section, 0, 20), root), authSections(s.Auth)...),
		pairingSection(pairingTable, s.Pairing), deviceKeySection(deviceKeyTable, s.DeviceKey),
		ownerSection(homeTable, s.Owner), serversSection(s.Servers), homePinSection(s.HomePin), pausesSection(s.Pauses))
	for i, p := range s.GivenUp {
		list = append(list, pairingSection(givenUpTable(i), p))
	}
	return append(append(list, plexSection(s)), awaySections(&s.Away)...)
}

func givenUpTable(i int) string { return "plexauthd_given_up_" + strconv.Itoa(i+1) }

func plexSection(s *State) section {
	if s.PlexURL == "" {
		return absent(plexTable)
	}
	return section{table: toml.Key{plexTable}, fields: []field{{key: "url", at: &s.PlexURL}}}
}

func awaySections(a *Away) []section {
	first := absent(awayTable)
	if a.PlexURL != "" {
		first = section{table: toml.Key{awayTable}, fields: []field{
			{key: "plex_url", at: &a.PlexURL},
			{key: "client_id", at: &a.ClientID},
		}}
	}
	return []section{first, deviceKeySection(awayKeyTable, a.DeviceKey),
		ownerSection(awayUserTable, a.Auth), ownerSection(awayOwnerTable, a.Owner)}
}

func authSections(a *Auth) []section {
	if a == nil {
		return []section{absent(authTable), absent(userTable)}
	}
	return []section{
		{table: toml.Key{authTable}, fields: append([]field{{key: "version", at: int64(version)}}, serverFields(a)...)},
		{table: toml.Key{authTable, "token"}, fields: tokenFields(a)},
		{table: toml.Key{userTable}, fields: userFields(a)},
	}
}

// ownerSection holds in one table what another account has in three.
func ownerSection(table string, a *Auth) section {
	if a == nil {
		return absent(table)
	}
	return section{table: toml.Key{table}, fields: slices.Concat(serverFields(a), tokenFields(a), userFields(a))}
}

func serverFields(a *Auth) []field {
	return []field{
		{key: "selected_server_id", at: &a.SelectedServerID},
		{key: "selected_server_uri", at: &a.SelectedServerURI},
	}
}

func tokenFields(a *Auth) []field {
	return []field{
		{key: "token", at: &a.Token},
		{key: "user_id", at: &a.UserID},
		{key: "username", at: &a.Username},
		{key: "email", at: &a.Email},
		{key: "thumb", at: &a.Thumb},
		{key: "issued_at", at: &a.IssuedAt},
		{key: "expires_at", at: &a.ExpiresAt},
	}
}

func userFields(a *Auth) []field {
	return []field{
		{key: "uuid", at: &a.UUID},
		{key: "title", at: &a.Title},
		{key: "home_admin", at: &a.HomeAdmin},
		{key: "restricted", at: &a.Restricted},
		{key: "refused_at", at: &a.RefusedAt},
		{key: "kid", at: &a.Kid, optional: true},
	}
}

func pairingSection(table string, p *Pairing) section {
	if p == nil {
		return absent(table)
	}
	return section{table: toml.Key{table}, fields: []field{
		{key: "id", at: &p.ID},
		{key: "plex_id", at: &p.PlexID},
		{key: "code", at: &p.Code},
		{key: "strong", at: &p.Strong},
		{key: "expires_at", at: &p.ExpiresAt},
		{key: "plex_expires_at", at: &p.PlexExpiresAt},
		{key: "token", at: &p.Token, optional: true},
		{key: "client_id", at: &p.ClientID, optional: true},
		{key: "kid", at: &p.Kid, optional: true},
		{key: "private_key", at: &p.PrivateKey, optional: true},
		{key: "plex_url", at: &p.PlexURL, optional: true},
		{key: "unwanted", at: &p.Unwanted, optional: true},
	}}
}

// deviceKeySection requires nothing: a key that lacks something is no reason
// to forget who was signed in, see [State.usable].
func deviceKeySection(table string, k *DeviceKey) section {
	if k == nil {
		return absent(table)
	}
	return section{table: toml.Key{table}, fields: []field{
		{key: "kid", at: &k.Kid},
		{key: "private_key", at: &k.PrivateKey},
		{key: "created_at", at: &k.CreatedAt},
	}}
}

// serversSection is for the file of its own. Older versions have it in the state.
func serversSection(s *Servers) section {
	if s == nil {
		return absent(serversTable)
	}
	return section{table: toml.Key{serversTable}, fields: []field{
		{key: "list", at: &s.List},
		{key: "own_token", at: &s.OwnToken, optional: true},
	}}
}

func homePinSection(p *HomePin) section {
	if p == nil {
		return absent(homePinTable)
	}
	return section{table: toml.Key{homePinTable}, fields: []field{
		{key: "wrong", at: &p.Wrong},
		{key: "retry_at", at: &p.RetryAt},
	}}
}

func pausesSection(p *Pauses) section {
	if p == nil {
		return absent(pausesTable)
	}
	return section{table: toml.Key{pausesTable}, fields: []field{{key: "until", at: &p.Until}}}
}

func absent(table string) section { return section{table: toml.Key{table}, gone: true} }

// path is the full name of a field's key.
func (s section) path(f field) toml.Key {
	return within(s.table, toml.Key{f.key})
}
