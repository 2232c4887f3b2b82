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
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

const jsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"

func TestBrokenConnections(t *testing.T) {
	const hangs = "no whole answer within 200ms"
	stall := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stallInBody := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		_, _ = io.WriteString(w, `{"id":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		kind   plextv.Kind
		says   string
	}{
		"reset at once":    {rawly("", true), plextv.Unreachable, "reset by peer"},
		"reset in body":    {rawly(jsonHead+`{"id":`, true), plextv.Unreachable, "reset by peer"},
		"closed at once":   {rawly("", false), plextv.Unreachable, "closed without an answer"},
		"cut off body":     {rawly(jsonHead+`{"id":`, false), plextv.InvalidResponse, "cut off"},
		"cut off head":     {rawly(jsonHead[:30], false), plextv.InvalidResponse, "cut off"},
		"not HTTP":         {rawly("SSH-2.0-OpenSSH_9.6\r\n", false), plextv.InvalidResponse, "not proper HTTP"},
		"endless head":     {rawly("HTTP/1.1 200 OK\r\nA: "+strings.Repeat("a", 80<<10), false), plextv.InvalidResponse, "not proper HTTP"},
		"no answer":        {stall, plextv.Unreachable, hangs},
		"no end of body":   {stallInBody, plextv.Unreachable, hangs},
		"cut off 503 body": {rawly(strings.Replace(jsonHead, "200", "503", 1), false), plextv.ServerError, "status 503"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.answer).client(t, func(cfg *plextv.Config) {
				if test.says == hangs {
					cfg.Timeout = 200 * time.Millisecond
				}
			})
			e := failed(t, check(context.Background(), c), test.kind)
			if !strings.Contains(e.Error(), test.says) || e.ClockSuspect {
				t.Errorf("%v, want %q", e, test.says)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	s := serve(t, reply(200, jsonType, waiting))
	c := s.client(t)
	s.Close()
	e := failed(t, check(context.Background(), c), plextv.Unreachable)
	if !strings.Contains(e.Error(), "connection refused") || !strings.Contains(e.Error(), s.Listener.Addr().String()) {
		t.Errorf("%v, want the refused address", e)
	}
}

func TestTLSFailuresAreToldApart(t *testing.T) {
	old := func(s *httptest.Server) {
		s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	}
	at := func(year int) func(*plextv.Config) {
		return func(cfg *plextv.Config) {
			cfg.Clock = clockwork.NewFakeClockAt(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}
	for name, test := range map[string]struct {
		server func(*httptest.Server)
		change func(*plextv.Config)
		says   string
		clock  bool
	}{
		"clock behind": {nil, at(1969), "certificate is not valid at the box's time 1969-01-01: is the clock right?", true},
		"clock ahead":  {nil, at(2100), "certificate is not valid at the box's time 2100-01-01", true},
		"authority":    {nil, func(cfg *plextv.Config) { cfg.RootCAs = x509.NewCertPool() }, "unknown authority", false},
		"name": {nil, func(cfg *plextv.Config) {
			cfg.BaseURL = strings.Replace(cfg.BaseURL, "127.0.0.1", "127.0.0.2", 1)
		}, "another name", false},
		"old TLS": {old, func(*plextv.Config) {}, "protocol version", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{Server: httptest.NewUnstartedServer(http.NotFoundHandler())}
			listener, err := net.Listen("tcp4", ":0")
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Listener.Close()
			s.Listener = listener
			if test.server != nil {
				test.server(s.Server)
			}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			defer s.Close()
			s.URL = strings.Replace(s.URL, "0.0.0.0", "127.0.0.1", 1)
			e := failed(t, check(context.Background(), s.client(t, test.change)), plextv.Unreachable)
			if !strings.Contains(e.Error(), test.says) || e.ClockSuspect != test.clock {
				t.Errorf("%v (ClockSuspect %v), want %q", e, e.ClockSuspect, test.says)
			}
		})
	}
}

func TestPlainHTTPOnTheTLSPort(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c, err := plextv.New(plextv.Config{BaseURL: "https://" + s.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	e := failed(t, check(context.Background(), c), plextv.Unreachable)
	if !strings.Contains(e.Error(), "HTTP response to HTTPS client") || strings.Contains(e.Error(), "/api/v2") {
		t.Error(e)
	}
}

func TestCancelledCallIsTheCallersError(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"before the answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in the body": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"as the body ends early": reply(200, jsonType, `{"id":`),
		"as a refusal ends":      reply(401, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				answer(w, r)
			})
			err := askUser(ctx, s.client(t))
			var e *plextv.Error
			if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
				t.Errorf("%v (%T), want context.Canceled", err, err)
			}
			if n := len(s.requests()); n > 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
