// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// What is for the box itself carries a token in plain HTTP: no proxy may see it.
func TestLoopbackNeverGoesThroughAProxy(t *testing.T) {
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy.example:3128") }
	for base, proxied := range map[string]bool{
		"http://LOCALHOST:8080": false, "http://LocalHost": false, "http://localhost.": false,
		"http://127.0.0.1:1": false, "http://127.9.8.7": false, "http://[::1]:1": false,
		"http://[::ffff:127.0.0.1]:1": false, "http://[::1%25lo]:1": false, "https://LOCALHOST.:1": false,
		"https://localhost.example": true, "https://plex.tv": true, "https://192.168.1.2": true,
	} {
		c, err := plextv.New(plextv.Config{BaseURL: base, Proxy: proxy})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := c.Endpoint().Proxy != ""; got != proxied {
			t.Errorf("%s: through a proxy: %v", base, got)
		}
	}
}

// The address is spelt in capitals in the question, too.
func TestAQuestionToLoopbackAsksForNoProxy(t *testing.T) {
	s := serve(t, reply(http.StatusOK, jsonType, someUser))
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := s.client(t, func(cfg *plextv.Config) {
		cfg.BaseURL = "https://LOCALHOST:" + port
		cfg.Proxy = func(r *http.Request) (*url.URL, error) {
			t.Errorf("the proxy for %s is asked for", r.URL)
			return nil, nil
		}
	})
	// The certificate is for another name, so the question ends before it is sent.
	_, err = c.User(t.Context(), me, secret.New(token))
	failed(t, err, plextv.Unreachable)
}
