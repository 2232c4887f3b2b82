// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net/http"
	"net/url"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// way returns how plex.tv is reached, or why that is not checked.
func (x *examination) way() (base *url.URL, why string) {
	if x.config == nil {
		return nil, "the address of plex.tv is not known"
	}
	base, err := url.Parse(x.config.PlexURL)
	if err != nil {
		return nil, "the address of plex.tv is not known"
	}
	if x.endpoint != nil {
		if x.endpoint.Proxy != "" {
			return nil, "plexauthd uses the proxy " + x.endpoint.Proxy
		}
		return base, ""
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base}); proxy != nil || err != nil {
		return nil, "a proxy is used"
	}
	return base, ""
}

// plexClient asks plex.tv as the daemon does: directly or through its proxy. If the daemon
// does not tell, what counts is this environment. Without a client the finding says why.
func (x *examination) plexClient() (*plextv.Client, Finding) {
	c := plextv.Config{BaseURL: x.config.PlexURL, Timeout: x.config.RequestTimeout, Clock: x.Clock, RootCAs: x.RootCAs, OnDate: x.learn}
	switch e := x.endpoint; {
	case e == nil:
	case e.Proxy == plextv.InvalidProxy:
		return nil, wrong("the proxy setting of plexauthd is not a URL", "correct HTTPS_PROXY in the service's environment: systemctl edit plexauthd")
	case e.ProxyUser:
		return nil, unknown("the proxy needs a password, which plexauthd does not reveal")
	default:
		proxy, err := url.Parse(e.Proxy)
		if err != nil {
			return nil, unknown("plexauthd uses a proxy that cannot be used here: " + err.Error())
		}
		if e.Proxy == "" {
			proxy = nil
		}
		c.Proxy = http.ProxyURL(proxy)
	}
	plex, err := plextv.New(c)
	if err != nil {
		return nil, wrong(err.Error(), "correct plex.url, or --plex-url")
	}
	return plex, Finding{}
}
