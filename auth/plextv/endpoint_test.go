// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

func TestEndpoint(t *testing.T) {
	for setting, want := range map[string]plextv.Endpoint{
		"":                                   {},
		"http://proxy:3128":                  {Proxy: "http://proxy:3128"},
		"https://ann:hunter2@proxy:3128/x?y": {Proxy: "https://proxy:3128", ProxyUser: true},
		"http://ann@proxy":                   {Proxy: "http://proxy", ProxyUser: true},
		"bad hunter2":                        {Proxy: plextv.InvalidProxy},
	} {
		c, err := plextv.New(plextv.Config{BaseURL: "https://plex.example:8443/", Proxy: func(r *http.Request) (*url.URL, error) {
			switch {
			case r.URL.Host != "plex.example:8443" && r.URL.Host != "127.0.0.1:1":
				t.Errorf("the proxy for %s is asked for", r.URL)
			case setting == "":
				return nil, nil
			case setting == "bad hunter2":
				return nil, errors.New(setting)
			}
			return url.Parse(setting)
		}})
		if err != nil {
			t.Fatal(err)
		}
		want.URL = "https://plex.example:8443"
		if got := c.Endpoint(); got != want {
			t.Errorf("%q: %+v, want %+v", setting, got, want)
		}
		if err := c.Redirect("http://127.0.0.1:1", 0); err != nil {
			t.Fatal(err)
		}
		want.URL = "http://127.0.0.1:1"
		if setting == "" && c.Endpoint() != want {
			t.Errorf("after Redirect: %+v", c.Endpoint())
		}
	}
	plain, err := plextv.New(plextv.Config{})
	if err != nil || plain.Endpoint().URL != "https://plex.tv" {
		t.Errorf("%+v, %v", plain.Endpoint(), err)
	}
}
