// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// wantInvalid wants an error of moderate length that names the argument.
func wantInvalid(t *testing.T, argument string, err error) {
	t.Helper()
	wantCode(t, argument, err, auth.InvalidArgs)
	if err != nil && !strings.HasPrefix(err.Error(), argument+": ") {
		t.Errorf("the error %.80q does not name %s", err, argument)
	}
	if err != nil && len(err.Error()) > 200 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func TestBadArgumentsAreRefused(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{Username: "alice"})
	before, file, asked := b.account.Snapshot(), string(b.file()), len(b.sim.Requests())

	mib := strings.Repeat("x", 1<<20)
	store := func(change func(*auth.Credentials)) error {
		c := auth.Credentials{Token: secret.New("good"), UserID: "1", Username: "bob"}
		change(&c)
		return b.account.Store(b.soon(), c)
	}
	choose := func(machineID, uri string) error {
		return b.account.SelectServer(b.soon(), auth.Server{MachineID: machineID, URI: uri})
	}
	refused := func(argument string, err error) { t.Helper(); wantInvalid(t, argument, err) }
	for _, token := range []string{"", "a b", "a\x00", "a\r\nX-Evil: 1", "a\x7f", "\xff\xfe", "häßlich", mib} {
		refused("token", store(func(c *auth.Credentials) { c.Token = secret.New(token) }))
		_, err := b.account.ValidateToken(b.soon(), secret.New(token))
		refused("token", err)
	}
	for _, text := range []string{"a\x00b", "a\nb", "a\u0085b", "\xff", mib} {
		refused("user_id", store(func(c *auth.Credentials) { c.UserID = text }))
		refused("username", store(func(c *auth.Credentials) { c.Username = text }))
		refused("email", store(func(c *auth.Credentials) { c.Email = text }))
		refused("thumb", store(func(c *auth.Credentials) { c.Thumb = text }))
		refused("selected_server_id", store(func(c *auth.Credentials) { c.ServerMachineID = text }))
		refused("selected_server_uri", store(func(c *auth.Credentials) { c.ServerURI = text }))
		refused("machine_id", choose(text, living().URI))
		refused("uri", choose("abc", text))
	}
	for _, at := range []time.Time{time.Unix(-1, 0), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<62, 0)} {
		refused("issued_at", store(func(c *auth.Credentials) { c.IssuedAt = at }))
		refused("expires_at", store(func(c *auth.Credentials) { c.ExpiresAt = at }))
	}
	for _, uri := range []string{"", "10.0.0.2:32400", "ftp://10.0.0.2", "https://", "https://alice:secret@10.0.0.2", "http://[::1", "javascript:1"} {
		refused("uri", choose("abc", uri))
		refused("selected_server_uri", store(func(c *auth.Credentials) { c.ServerMachineID, c.ServerURI = "abc", uri }))
	}
	refused("machine_id", choose("", living().URI))

	equal(t, "snapshot", b.account.Snapshot(), before)
	equal(t, "file", string(b.file()), file)
	equal(t, "requests", len(b.sim.Requests()), asked)
}

func TestUnusualArgumentsAreTaken(t *testing.T) {
	b := newBox(t)
	token := strings.Repeat("x", 8<<10)
	b.sim.AddUser(plextvsim.User{ID: 1, Token: token})
	c := auth.Credentials{
		Token: secret.New(token), UserID: "1", Username: "Zoë \"quoted\" 漢字 \\ '", Email: "x@y", Thumb: strings.Repeat("y", 2<<10),
		IssuedAt: time.Unix(1, 0).UTC(), ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		ServerMachineID: "abc", ServerURI: "http://[fd00::2]:32400",
	}
	b.must(b.account.Store(b.soon(), c))
	b.sim.Fail(plextvsim.Fault{Reset: true}) // lest plex.tv's word takes its place
	b.restart(0)
	got := *b.account.Snapshot().Credentials
	equal(t, "token", got.Token.Reveal(), token)
	got.Token = c.Token
	equal(t, "the rest", got, c)
}
