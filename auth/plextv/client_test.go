// SPDX-License-Identifier: Apache-2.0

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
	identity := map[string]string{
		"Accept": "application/json", "X-Plex-Client-Identifier": "3f0c", "X-Plex-Product": "Rétune",
		"X-Plex-Version": "1.2", "X-Plex-Platform": "Linux", "X-Plex-Platform-Version": "6.1",
		"X-Plex-Device": "Box", "X-Plex-Device-Name": "Séjour 📺",
	}
	for _, call := range calls() {
		t.Run(call.name, func(t *testing.T) {
			s := serve(t, call.good)
			if err := call.do(context.Background(), s.client(t)); err != nil {
				t.Fatal(err)
			}
			if n := len(s.requests()); n != 1 {
				t.Fatalf("%d requests, want 1", n)
			}
			got := s.requests()[0]
			if line := got.Method + " " + got.RequestURI; line != call.line || got.Proto != "HTTP/1.1" {
				t.Errorf("asked %s %s, want %s HTTP/1.1", line, got.Proto, call.line)
			}
			if s.bodies[0] != call.body || got.ContentLength != int64(len(call.body)) {
				t.Errorf("sent %d bytes %s\nwant %s", got.ContentLength, s.bodies[0], call.body)
			}
			want := maps.Clone(identity)
			want["Accept-Encoding"] = "identity"
			if call.authorized {
				want["X-Plex-Token"] = token
			}
			if call.body != "" {
				want["Content-Type"] = "application/json"
			}
			if sent := sentHeaders(got); !maps.Equal(sent, want) {
				t.Errorf("headers %v\nwant %v", sent, want)
			}
		})
	}
	if !maps.Equal(me.Headers(), identity) {
		t.Errorf("Headers() = %v", me.Headers())
	}
	s := serve(t, reply(200, jsonType, waiting))
	if err := check(context.Background(), s.client(t)); err != nil {
		t.Fatal(err)
	}
	if sent := sentHeaders(s.requests()[0]); len(sent) != 3 || sent["X-Plex-Client-Identifier"] != "id" {
		t.Errorf("headers %v, want only what is set", sent)
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
	c, ctx, sec := s.client(t), context.Background(), secret.New
	for _, bad := range []string{"", "a\nb", "a\x00b", "a\u0085b", strings.Repeat("a", 8<<10+1)} {
		_, err := c.User(ctx, plextv.Identity{}, sec(bad))
		failed(t, err, plextv.Rejected)
		failed(t, c.SignOut(ctx, plextv.Identity{}, sec(bad)), plextv.Rejected)
	}
	for _, bad := range []string{"", ".", "..", "1/../../user", "1?x", "1 2", "é", strings.Repeat("1", 65)} {
		_, err := c.CheckPin(ctx, me, sec(bad), secret.String{})
		failed(t, err, plextv.Rejected)
		_, err = c.CheckPin(ctx, me, sec(bad), sec(deviceJWT))
		failed(t, err, plextv.Rejected)
		_, _, err = c.SwitchHomeUser(ctx, me, sec(token), bad, sec(homePin))
		failed(t, err, plextv.Rejected)
	}
	for _, bad := range []string{"opaque", "a.b", "a.b.c.d", "a.b.c\"", "a.b.c&x=y", "a.\n.c", "a.b." + strings.Repeat("c", 8<<10)} {
		_, err := c.Exchange(ctx, me, sec(bad))
		failed(t, err, plextv.Rejected)
		_, err = c.CheckPin(ctx, me, sec(pinID), sec(bad))
		failed(t, err, plextv.Rejected)
	}
	for _, bad := range []string{"", "null", "[]", "{", "{}{}", `"x"`} {
		failed(t, c.RegisterKey(ctx, me, sec(token), []byte(bad)), plextv.Rejected)
		_, err := c.RequestPin(ctx, me, []byte(bad), true)
		failed(t, err, plextv.Rejected)
	}
	for _, bad := range []string{"1", "12345", "12 4", "abcd", "١٢"} {
		_, _, err := c.SwitchHomeUser(ctx, me, sec(token), homeUUID, sec(bad))
		failed(t, err, plextv.Rejected)
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	for base, complaint := range map[string]string{
		"": "", "https://plex.example": "", "https://plex.example:8443/": "",
		"http://127.0.0.1:8080": "", "http://127.9.9.9": "", "http://[::1]:8080": "", "http://LocalHost:1": "",
		"http://LOCALHOST": "", "http://localhost.": "", "http://[::ffff:127.0.0.1]": "", "http://[::1%25lo]": "",
		"http://127.0.0.1.": "loopback",
		"http://plex.tv":    "loopback", "http://192.168.1.5": "loopback", "http://127.0.0.1.example": "loopback",
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
