// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// ErrPlainHTTP says that plain HTTP was asked for on an address that others can
// reach: tokens would cross the network in clear text.
var ErrPlainHTTP = errors.New("plain HTTP is for loopback addresses only")

// Server serves a simulator on a port of this machine until it is closed. Its
// methods are safe for concurrent use.
type Server struct {
	URL   string // such as https://127.0.0.1:40443, without a slash at the end
	http  *http.Server
	ended chan struct{}
	caPEM []byte
}

// Start serves plain HTTP on a free port of 127.0.0.1. It panics if it cannot.
func (s *Sim) Start() *Server { return mustListen(s, false) }

// StartTLS serves HTTPS on a free port of 127.0.0.1, with a fresh certificate for
// 127.0.0.1, ::1 and localhost from a fresh authority that [Server.CAPool] trusts.
// It panics if it cannot.
func (s *Sim) StartTLS() *Server { return mustListen(s, true) }

func mustListen(handler http.Handler, withTLS bool) *Server {
	server, err := Listen(handler, "127.0.0.1:0", withTLS)
	if err != nil {
		panic(err.Error())
	}
	return server
}

// Listen serves the handler at the address, such as "127.0.0.1:32500"; port 0
// takes a free one. With TLS the certificate is also for the address's host. The
// error is [ErrPlainHTTP] without TLS if the address is not a loopback one.
func Listen(handler http.Handler, address string, withTLS bool) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", address, err)
	}
	if !withTLS && !isLoopback(host) {
		return nil, fmt.Errorf("listening on %q: %w", address, ErrPlainHTTP)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", address, err)
	}
	server := &Server{URL: "http://" + listener.Addr().String(), ended: make(chan struct{})}
	if withTLS {
		certificate, caPEM, err := newCertificate(host)
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		server.URL, server.caPEM = "https://"+listener.Addr().String(), caPEM
		// HTTP/2 is not offered: a connection it shares cannot be reset for one request.
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	server.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that do not trust us are part of the play
	}
	go func() {
		defer close(server.ended)
		_ = server.http.Serve(listener) // always ends with an error, at Close
	}()
	return server, nil
}

// Close stops listening and closes all connections, also those with a request
// under way.
func (server *Server) Close() {
	_ = server.http.Close()
	<-server.ended
}

// CloseIdle closes the connections on which nothing is under way, as every server
// does after some time.
func (server *Server) CloseIdle() {
	server.http.SetKeepAlivesEnabled(false)
	server.http.SetKeepAlivesEnabled(true)
}

// CAPEM returns the authority's certificate, which a client has to trust, in PEM, as
// SSL_CERT_FILE wants it. It is nil without TLS.
func (server *Server) CAPEM() []byte { return server.caPEM }

// CAPool returns a pool with the certificate of [Server.CAPEM].
func (server *Server) CAPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.caPEM)
	return pool
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
