// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// Keys that several tables have.
const (
	userKeys    = "uuid title home_admin restricted refused_at kid"
	tokenKeys   = "token user_id username email thumb issued_at expires_at"
	serverKeys  = "selected_server_id selected_server_uri"
	accountKeys = serverKeys + " " + tokenKeys + " " + userKeys
	pairingKeys = "id plex_id code strong expires_at plex_expires_at token client_id kid private_key plex_url unwanted"
	keyKeys     = "kid private_key created_at"
)

// ours are the keys that Save may change, by table; plexauthd_given_up_N are like
// plexauthd_pairing.
var ours = map[string]string{
	"":                       "retune_client_id",
	"retune_plex_auth":       "version " + serverKeys,
	"retune_plex_auth.token": tokenKeys,
	"retune_device_key":      keyKeys,
	"plexauthd_user":         userKeys,
	"plexauthd_pairing":      pairingKeys,
	"plexauthd_home":         accountKeys,
	"plexauthd_servers":      "list own_token fetched_at",
	"plexauthd_home_pin":     "wrong retry_at",
	"plexauthd_pauses":       "until",
	"plexauthd_plex":         "url",
	"plexauthd_away":         "plex_url client_id",
	"plexauthd_away_key":     keyKeys,
	"plexauthd_away_user":    accountKeys,
	"plexauthd_away_home":    accountKeys,
}

// oursIn is ours with those of the tables that there are several of.
func oursIn() map[string]string {
	all := maps.Clone(ours)
	for i := range statefile.MaxGivenUp {
		all[givenUp(i)] = pairingKeys
	}
	return all
}

func givenUp(i int) string { return fmt.Sprint("plexauthd_given_up_", i+1) }

// goneTables are the tables that a file with that state has not, whatever stood in them:
// as after a sign-out, what others wrote there goes with them.
func goneTables(s statefile.State) (tables []string) {
	for table, gone := range map[string]bool{
		"retune_plex_auth": s.Auth == nil, "plexauthd_user": s.Auth == nil, "plexauthd_home": s.Owner == nil,
		"retune_device_key": s.DeviceKey == nil, "plexauthd_servers": true, "plexauthd_pairing": s.Pairing == nil,
		"plexauthd_home_pin": s.HomePin == nil, "plexauthd_pauses": s.Pauses == nil, "plexauthd_plex": s.PlexURL == "",
		"plexauthd_away": s.Away.PlexURL == "", "plexauthd_away_key": s.Away.DeviceKey == nil,
		"plexauthd_away_user": s.Away.Auth == nil, "plexauthd_away_home": s.Away.Owner == nil,
	} {
		if gone {
			tables = append(tables, table)
		}
	}
	for i, p := range s.GivenUp {
		if p == nil {
			tables = append(tables, givenUp(i))
		}
	}
	return tables
}

// foreign decodes the file and takes out our keys.
func (b box) foreign() map[string]any {
	b.Helper()
	var values map[string]any
	if _, err := toml.Decode(b.text(), &values); err != nil {
		b.Fatalf("the file does not parse: %v\n%s", err, b.text())
	}
	// Backwards, for a table goes when the tables in it have gone.
	ours := oursIn()
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(ours))) {
		at, table := values, values
		for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' }) {
			at, table = table, tableIn(table, part)
		}
		for _, key := range strings.Fields(ours[name]) {
			delete(table, key)
		}
		if len(table) == 0 && name != "" {
			delete(at, name[strings.LastIndex(name, ".")+1:])
		}
	}
	return values
}

func tableIn(table map[string]any, key string) map[string]any {
	inner, _ := table[key].(map[string]any)
	return inner
}

func (b box) wantForeign(want map[string]any) {
	b.Helper()
	before, err := toml.Marshal(want)
	if err != nil {
		b.Fatal(err)
	}
	after, err := toml.Marshal(b.foreign())
	if err != nil {
		b.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		b.Errorf("keys that are not ours were\n%s\nand are\n%s", before, after)
	}
}
