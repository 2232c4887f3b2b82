// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

const (
	token    = "tok-Zx81aQ77fLm2"
	pinID    = "918273645"
	jsonType = "application/json; charset=utf-8"
	unknown  = `{"errors":[{"code":1020,"message":"Code not found or expired"}]}`
	badToken = `{"errors":[{"code":1001,"message":"User could not be authenticated","status":401}]}`
	waiting  = `{"id":918273645,"code":"A1B2","expiresIn":876,"authToken":null}`
	someUser = `{"id":42,"username":"ann"}`
)

// server is a real HTTPS server that remembers what it was asked.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
	bodies []string
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
		s.mu.Unlock()
		answer(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// client returns a client of s; change may alter its configuration.
func (s *server) client(t *testing.T, change ...func(*plextv.Config)) *plextv.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	cfg := plextv.Config{BaseURL: s.URL, RootCAs: roots}
	for _, c := range change {
		c(&cfg)
	}
	client, err := plextv.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// reply answers with exactly this content type, none if empty.
func reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// inTurn gives the answers one after the other, then always the last one.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		mu.Unlock()
		answer(w, r)
	}
}

// rawly writes bytes and closes the connection, with a reset if asked.
func rawly(text string, reset bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		if reset {
			tcp := conn.(*tls.Conn).NetConn().(*net.TCPConn)
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
			return
		}
		_ = conn.Close()
	}
}

func check(ctx context.Context, c *plextv.Client) error {
	_, err := c.CheckPin(ctx, plextv.Identity{ClientID: "id"}, secret.New(pinID), secret.String{})
	return err
}

func askUser(ctx context.Context, c *plextv.Client) error {
	_, err := c.User(ctx, plextv.Identity{ClientID: "id"}, secret.New(token))
	return err
}

// failed returns err as the *plextv.Error of that kind.
func failed(t *testing.T, err error, kind plextv.Kind) *plextv.Error {
	t.Helper()
	var e *plextv.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *plextv.Error", err, err)
	}
	if e.Kind != kind {
		t.Fatalf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	return e
}
