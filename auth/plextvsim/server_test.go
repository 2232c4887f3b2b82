// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestCertificate(t *testing.T) {
	server, err := plextvsim.Listen(plextvsim.New(plextvsim.Options{}), "127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if !strings.HasPrefix(server.URL, "https://127.0.0.1:") {
		t.Errorf("URL %q", server.URL)
	}
	address := strings.TrimPrefix(server.URL, "https://")
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(server.CAPEM()) {
		t.Fatalf("not PEM: %s", server.CAPEM())
	}
	for name, roots := range map[string]*x509.CertPool{"pool": server.CAPool(), "PEM": pool, "another": x509.NewCertPool()} {
		for _, host := range []string{"127.0.0.1", "::1", "localhost", "plex.tv"} {
			connection, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: host})
			if err == nil {
				// Some TLS libraries refuse an authority's certificate for a server, or one
				// that does not name its authority's key.
				peer := connection.ConnectionState().PeerCertificates[0]
				equal(t, "is an authority", peer.IsCA, false)
				equal(t, "names its authority", len(peer.AuthorityKeyId) > 0, true)
				err = connection.Close()
			}
			if trusted := err == nil; trusted != (name != "another" && host != "plex.tv") {
				t.Errorf("%s, %s: %v", name, host, err)
			}
		}
	}
}

func TestListenRefuses(t *testing.T) {
	for address, plain := range map[string]bool{
		"0.0.0.0:0": true, ":0": true, "[::]:0": true, "192.0.2.1:0": true, "example.com:0": true, "127.0.0.1": false,
	} {
		server, err := plextvsim.Listen(http.NotFoundHandler(), address, false)
		if err == nil {
			server.Close()
		}
		if err == nil || errors.Is(err, plextvsim.ErrPlainHTTP) != plain {
			t.Errorf("%s: %v", address, err)
		}
	}
	server := plextvsim.New(plextvsim.Options{}).Start()
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if _, err := plextvsim.Listen(http.NotFoundHandler(), address, false); err == nil {
		t.Error("listens twice on one port")
	}
	if server.CAPEM() != nil || !server.CAPool().Equal(x509.NewCertPool()) {
		t.Error("a certificate without TLS")
	}
}

func TestCloseEndsRequestsUnderWay(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.Fail(plextvsim.Fault{Delay: 1 << 40})
	ended := make(chan error)
	go func() {
		_, err := b.try("GET", "/api/v2/ping", "")
		ended <- err
	}()
	if err := b.sim.Await(soon(t), 1, plextvsim.Ping); err != nil {
		t.Fatal(err)
	}
	b.server.Close()
	if err := <-ended; err == nil {
		t.Error("an answer came")
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(b.server.URL, "https://")); err == nil {
		t.Error("still listens")
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.send("PUT", "/api/v2/pins/link.json?x=1", "code=ABCD", "X-Plex-Product", "Retune")
	b.send("GET", "/elsewhere", "")
	if err := b.sim.AwaitAnswers(soon(t), 2, plextvsim.Any); err != nil {
		t.Fatal(err)
	}
	requests := b.sim.Requests()
	equal(t, "how many", len(requests), 2)
	r := requests[0]
	equal(t, "what", fmt.Sprint(r.Endpoint, " ", r.Method, " ", r.Path, " ", r.Query.Encode(), " ", string(r.Body), " ", r.Status),
		"pins.link PUT /api/v2/pins/link.json x=1 code=ABCD 401")
	equal(t, "header", r.Header.Get("X-Plex-Product"), "Retune")
	equal(t, "when", r.At, start)
	equal(t, "the other", fmt.Sprint(requests[1].Endpoint, requests[1].Path, requests[1].Status), "/elsewhere404")
}

func TestAwait(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.send("GET", "/api/v2/ping", "")
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 2)
	go func() { waiting <- b.sim.Await(soon(t), 2, plextvsim.Ping) }()
	go func() { waiting <- b.sim.Await(ctx, 2, plextvsim.GetUser) }()
	b.send("GET", "/api/v2/user", "")
	select {
	case err := <-waiting:
		t.Fatalf("waited for nothing: %v", err)
	default:
	}
	b.send("GET", "/api/v2/ping", "")
	equal(t, "two pings", <-waiting, nil)
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRecordIsBounded(t *testing.T) {
	sim := plextvsim.New(plextvsim.Options{})
	for range 10_001 {
		r, _ := http.NewRequest("GET", "/api/v2/ping", http.NoBody)
		sim.ServeHTTP(discard{}, r)
	}
	equal(t, "kept", len(sim.Requests()), 5001)
	equal(t, "counted", sim.Await(soon(t), 10_001, plextvsim.Ping), nil)
}

// discard is a client that does not listen.
type discard struct{}

func (discard) Header() http.Header            { return http.Header{} }
func (discard) Write(body []byte) (int, error) { return len(body), nil }
func (discard) WriteHeader(int)                {}

func TestManyClientsAtOnce(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(withServers())
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			a, err := b.try("POST", "/api/v2/pins", "")
			if err != nil {
				t.Error(err)
				return
			}
			path := "/api/v2/pins/" + between(t, a.body, `"id":`, ",")
			if err := b.sim.Claim(between(t, a.body, `"code":"`, `"`), ""); err != nil {
				t.Error(err)
			}
			a, _ = b.try("GET", path, "")
			token := between(t, a.body, `"authToken":"`, `"`)
			b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.LinkPin, Times: 1})
			for _, path := range []string{"/api/v2/user", "/api/v2/resources", "/api/v2/ping"} {
				a, _ := b.try("GET", path, "", as(token)...)
				equal(t, path, a.status, http.StatusOK)
			}
			b.sim.Pins()
			b.sim.Requests()
			equal(t, "sign-out", b.sim.Revoke(token), nil)
		})
	}
	clients.Wait()
}
