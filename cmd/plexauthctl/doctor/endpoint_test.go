// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/config"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// The daemon has another address than the configuration, as with --plex-url.
func TestTheDaemonIsAskedWhereItAsks(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.PlexURL, p.Config = "", ""
	p.RootCAs = p.BoxCAs()
	p.finds("configuration", OK, "plex.tv is asked at "+p.BoxURL()+", according to plexauthd", "")
	p.finds("plex.tv", OK, "answers", "")
	p.PlexURL = "https://plex.invalid"
	p.finds("dns", Wrong, "plex.invalid", "")
}

// proxy forwards to the simulator, whatever it is asked for, and counts. The
// simulator has the name example.com there: nothing on this machine is asked through
// a proxy.
func (p *patient) proxy() (address string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	plex := httptest.NewTLSServer(p.Plex)
	p.t.Cleanup(plex.Close)
	p.RootCAs.AddCert(plex.Certificate())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "CONNECT alone", http.StatusMethodNotAllowed)
			return
		}
		asked.Add(1)
		far, err := net.Dial("tcp", plex.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}))
	p.t.Cleanup(server.Close)
	return server.URL, asked
}

// TestTheDaemonsProxy: what the network knows without the proxy says nothing then.
func TestTheDaemonsProxy(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	proxy, asked := p.proxy()
	for _, c := range []struct {
		endpoint client.PlexEndpoint
		result   Result // of plex.tv
		says     string
		asked    int32
	}{
		{client.PlexEndpoint{Proxy: proxy}, OK, "answers", 1},
		{client.PlexEndpoint{Proxy: "http://127.0.0.1:1"}, Wrong, "connection refused", 0},
		{client.PlexEndpoint{Proxy: proxy, ProxyUser: true}, Unknown, "needs a password", 0},
		{client.PlexEndpoint{Proxy: "invalid"}, Wrong, "is not a URL", 0},
		{client.PlexEndpoint{}, OK, "answers", 0},
	} {
		asked.Store(0)
		url := p.plex.URL
		if c.endpoint.Proxy != "" {
			url = "https://example.com"
		}
		x := &examination{Options: p.Options, endpoint: &c.endpoint, config: &config.Config{PlexURL: url, RequestTimeout: clienttest.Timeout}}
		f := x.checkPlex(t.Context())
		if f.Result != c.result || !strings.Contains(f.Finding, c.says) || asked.Load() != c.asked {
			t.Errorf("%+v: %+v, through the proxy %d times", c.endpoint, f, asked.Load())
		}
		for _, check := range []func(context.Context) Finding{x.checkDNS, x.checkTLS} {
			if f := check(t.Context()); c.endpoint.Proxy != "" && (f.Result != Unknown || f.Finding != "plexauthd uses the proxy "+c.endpoint.Proxy) {
				t.Errorf("%+v: %+v", c.endpoint, f)
			}
		}
	}
}
