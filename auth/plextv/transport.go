// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects   = 3
	maxHeaderBytes = 64 << 10
)

// newTransport returns a transport for a few small requests: HTTP/1 only, as
// HTTP/2 costs memory on the box and gains nothing here.
func (c *Client) newTransport(timeout time.Duration) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	// A dial outlives the request that began it.
	dialer := &net.Dialer{Timeout: timeout}
	config := &tls.Config{RootCAs: c.rootCAs, MinVersion: tls.VersionTLS12, Time: c.clock.Now}
	return &http.Transport{
		Proxy:                  c.proxy,
		DialContext:            dialer.DialContext,
		DialTLSContext:         c.roots.dialer(dialer, config),
		Protocols:              protocols,
		TLSClientConfig:        config, // through a proxy
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
		MaxConnsPerHost:        32, // each takes 50 KiB of memory
		MaxIdleConns:           2,
		IdleConnTimeout:        30 * time.Second,
	}
}

// checkRedirect stops at a redirect that must not be followed: net/http sends
// X-Plex-Token along to any host, and turns a POST or DELETE into a GET whose
// 200 would mean nothing. The redirect itself is then the answer.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || req.Method != first.Method ||
		req.URL.Scheme != first.URL.Scheme || hostPort(req.URL) != hostPort(first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
