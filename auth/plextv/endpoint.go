// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"net/http"
	"net/url"
)

// InvalidProxy is the proxy of an [Endpoint] whose setting is no URL: no question can
// be asked.
const InvalidProxy = "invalid"

// Endpoint is where questions go. It holds no secret.
type Endpoint struct {
	// URL is scheme and host of plex.tv, or of what stands in for it.
	URL string
	// Proxy is the URL of the proxy in between, without user name and password;
	// "" if there is none, or InvalidProxy.
	Proxy string
	// ProxyUser tells that the proxy is given a user name or password.
	ProxyUser bool
}

// Endpoint tells where the next question goes.
func (c *Client) Endpoint() Endpoint {
	e := Endpoint{URL: c.way.Load().base}
	base, err := url.Parse(e.URL)
	if err != nil {
		return e // never: readBaseURL has made it
	}
	proxy, err := c.proxy(&http.Request{URL: base})
	switch {
	case err != nil: // whose text has the setting, perhaps with a password
		e.Proxy = InvalidProxy
	case proxy != nil:
		e.ProxyUser = proxy.User != nil
		e.Proxy = (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
	}
	return e
}
