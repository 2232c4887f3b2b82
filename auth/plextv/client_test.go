package plextv_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func TestRequestsAreExact(t *testing.T) {
	me := plextv.Identity{
		ClientID: "3f0c", Product: "Rétune", Version: "1.2", Platform: "Linux",
		PlatformVersion: "6.1", Device: "Box", DeviceName: "Séjour 📺",
	}
	identity := map[string]string{
		"Accept": "application/json", "X-Plex-Client-Identifier": "3f0c", "X-Plex-Product": "Rétune",
		"X-Plex-Version": "1.2", "X-Plex-Platform": "Linux", "X-Plex-Platform-Version": "6.1",
		"X-Plex-Device": "Box", "X-Plex-Device-Name": "Séjour 📺",
	}
	authorized := maps.Clone(identity)
	authorized["X-Plex-Token"] = token
	ctx, sec := context.Background(), secret.New
	for _, test := range []struct {
		name, line string
		headers    map[string]string
		answer     http.HandlerFunc
		do         func(*plextv.Client) error
	}{
		{"short pin", "POST /api/v2/pins", identity, reply(201, jsonType, waiting), func(c *plextv.Client) error {
			_, err := c.RequestPin(ctx, me, false)
			return err
		}},
		{"strong pin", "POST /api/v2/pins?strong=true", identity, reply(201, jsonType, waiting), func(c *plextv.Client) error {
			_, err := c.RequestPin(ctx, me, true)
			return err
		}},
		{"check", "GET /api/v2/pins/" + pinID, identity, reply(200, jsonType, waiting), func(c *plextv.Client) error {
			_, err := c.CheckPin(ctx, me, sec(pinID))
			return err
		}},
		{"user", "GET /api/v2/user", authorized, reply(200, jsonType, someUser), func(c *plextv.Client) error {
			_, err := c.User(ctx, me, sec(token))
			return err
		}},
		{"sign out", "DELETE /api/v2/users/signout", authorized, reply(204, "", ""), func(c *plextv.Client) error {
			return c.SignOut(ctx, me, sec(token))
		}},
		{"only what is set", "GET /api/v2/pins/" + pinID,
			map[string]string{"Accept": "application/json", "X-Plex-Client-Identifier": "id"},
			reply(200, jsonType, waiting), func(c *plextv.Client) error { return check(ctx, c) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			if err := test.do(s.client(t)); err != nil {
				t.Fatal(err)
			}
			if n := len(s.requests()); n != 1 {
				t.Fatalf("%d requests, want 1", n)
			}
			got := s.requests()[0]
			if line := got.Method + " " + got.RequestURI; line != test.line || got.Proto != "HTTP/1.1" {
				t.Errorf("asked %s %s, want %s HTTP/1.1", line, got.Proto, test.line)
			}
			if got.ContentLength != 0 {
				t.Errorf("a body of %d bytes was sent", got.ContentLength)
			}
			if sent := sentHeaders(got); !maps.Equal(sent, test.headers) {
				t.Errorf("headers %v\nwant %v", sent, test.headers)
			}
		})
	}
	if !maps.Equal(me.Headers(), identity) {
		t.Errorf("Headers() = %v", me.Headers())
	}
}

// sentHeaders leaves out what net/http adds by itself.
func sentHeaders(r *http.Request) map[string]string {
	sent := map[string]string{}
	for name, values := range r.Header {
		if name != "User-Agent" && name != "Content-Length" {
			sent[name] = strings.Join(values, "|")
		}
	}
	return sent
}

func TestUnsendableValuesAreNotSent(t *testing.T) {
	s := serve(t, reply(200, jsonType, someUser))
	c, ctx := s.client(t), context.Background()
	for _, bad := range []string{"", "a\nb", "a\x00b", "a\u0085b", strings.Repeat("a", 8<<10+1)} {
		_, err := c.User(ctx, plextv.Identity{}, secret.New(bad))
		failed(t, err, plextv.Rejected)
		failed(t, c.SignOut(ctx, plextv.Identity{}, secret.New(bad)), plextv.Rejected)
	}
	for _, bad := range []string{"", ".", "..", "1/../../user", "1?x", "1 2", "é", strings.Repeat("1", 65)} {
		_, err := c.CheckPin(ctx, plextv.Identity{}, secret.New(bad))
		failed(t, err, plextv.Rejected)
	}
	_, err := c.RequestPin(ctx, plextv.Identity{DeviceName: "a\r\nX-Plex-Token: b"}, false)
	failed(t, err, plextv.Rejected)
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	for base, complaint := range map[string]string{
		"": "", "https://plex.example": "", "https://plex.example:8443/": "",
		"http://127.0.0.1:8080": "", "http://127.9.9.9": "", "http://[::1]:8080": "", "http://LocalHost:1": "",
		"http://plex.tv": "loopback", "http://192.168.1.5": "loopback", "http://127.0.0.1.example": "loopback",
		"http://localhost.example": "loopback", "ftp://plex.tv": "https://", "plex.tv": "https://",
		"https://": "host", "https://:443": "host", "https://u:hunter2@plex.tv": "user name",
		"https://plex.tv?a=b": "query", "https://plex.tv?": "query", "https://plex.tv#": "fragment",
		"https://plex.tv/api/v2": "path", "https://u:hunter2@ plex.tv": "not a URL", "https:plex.tv": "host",
	} {
		_, err := plextv.New(plextv.Config{BaseURL: base})
		switch {
		case complaint == "" && err != nil:
			t.Errorf("%q: %v", base, err)
		case complaint != "" && err == nil:
			t.Errorf("%q was accepted", base)
		case complaint != "" && !strings.Contains(err.Error(), complaint):
			t.Errorf("%q: %v, want a word about %q", base, err, complaint)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the error quotes the password: %v", base, err)
		}
	}
	if _, err := plextv.New(plextv.Config{Timeout: -time.Second}); err == nil {
		t.Error("a negative timeout was accepted")
	}
}
