// SPDX-License-Identifier: Apache-2.0

// Package plextv is a client of plex.tv's sign-in API: PINs, device keys and
// the tokens bound to them, the user of a token, Plex Home, an account's media
// servers, signing out. It reads answers strictly, because a wrong "your token
// is refused" signs a household out, and it keeps tokens, PINs and ids out of
// URLs it prints, errors and logs.
//
// Plex's documents show some calls at clients.plex.tv. In the wild both hosts
// take all of them, so one is asked, over one connection.
package plextv

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	defaultBaseURL = "https://plex.tv"
	defaultTimeout = 10 * time.Second
)

// Config says how to reach plex.tv. The zero value is plex.tv itself.
type Config struct {
	// BaseURL replaces https://plex.tv: scheme and host, nothing else.
	// http:// is accepted for loopback hosts only. Empty means plex.tv.
	BaseURL string
	// Timeout bounds one request, from dialling to the end of its body, in
	// real time. Zero means 10 s.
	Timeout time.Duration
	// Clock times the pauses between tries and judges the validity of
	// certificates. Nil means the real one.
	Clock clockwork.Clock
	// RootCAs are the authorities to trust. Nil means the system's, which
	// SSL_CERT_FILE replaces as crypto/x509 documents.
	RootCAs *x509.CertPool
	// Proxy chooses the proxy for a question. Nil means what the environment
	// says, as net/http documents.
	Proxy func(*http.Request) (*url.URL, error)
	// OnDate is told the time of plex.tv's clock, to the second, with each
	// answer that is its own: JSON or XML, over TLS unless BaseURL says http.
	// The goroutine that asks calls it, several may at once, and it must not
	// block. Nil means none.
	OnDate func(server time.Time)
	// Pace bounds how often callers may have plex.tv asked.
	Pace Pace
	// Log gets one debug line a request, without ids, headers and bodies, and one line
	// an hour for each field of an answer that cannot be read.
	// Nil means none.
	Log *slog.Logger
}

// Client asks plex.tv. It is safe for concurrent use. After a 429 the same question
// fails with [RateLimited], without asking, until the pause is over that plex.tv
// names, or one of 10 s to 1 min if it names none; and after a 5xx that names one.
// What callers ask too often for [Config.Pace] fails in the same way.
type Client struct {
	clock    clockwork.Clock
	log      *slog.Logger
	onDate   func(time.Time)
	onPause  func()
	limit    *rateLimit
	oddities oddities
	budget   *budget
	rootCAs  *x509.CertPool
	roots    systemRoots // in use unless there are rootCAs
	proxy    func(*http.Request) (*url.URL, error)
	way      atomic.Pointer[way]
}

// way is how plex.tv is reached.
type way struct {
	base    string
	timeout time.Duration
	http    *http.Client
}

// New returns a client, or an error that says what is wrong with cfg. It does
// not touch the network.
func New(cfg Config) (*Client, error) {
	c := &Client{clock: cfg.Clock, log: cfg.Log, onDate: cfg.OnDate, rootCAs: cfg.RootCAs, proxy: cfg.Proxy, limit: newRateLimit(), onPause: func() {}, budget: newBudget(cfg.Pace)}
	if c.clock == nil {
		c.clock = clockwork.NewRealClock()
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.proxy == nil {
		c.proxy = http.ProxyFromEnvironment
	}
	c.proxy = unlessLoopback(c.proxy)
	if c.onDate == nil {
		c.onDate = func(time.Time) {}
	}
	if err := c.Redirect(cfg.BaseURL, cfg.Timeout); err != nil {
		return nil, err
	}
	return c, nil
}

// Redirect changes BaseURL and Timeout, with the meanings and errors they have
// in [Config], for the questions to come. A pause that plex.tv has asked for goes
// on.
func (c *Client) Redirect(baseURL string, timeout time.Duration) error {
	next := &way{base: defaultBaseURL, timeout: defaultTimeout}
	if baseURL != "" {
		base, err := readBaseURL(baseURL)
		if err != nil {
			return fmt.Errorf("base URL of plex.tv: %w", err)
		}
		next.base = base
	}
	if timeout < 0 {
		return fmt.Errorf("request timeout %s is negative", timeout)
	}
	if timeout > 0 {
		next.timeout = timeout
	}
	next.http = &http.Client{
		Transport:     c.newTransport(next.timeout),
		CheckRedirect: checkRedirect,
	}
	if old := c.way.Swap(next); old != nil {
		old.http.CloseIdleConnections()
	}
	return nil
}

// CloseIdleConnections closes connections kept for further requests, for
// example after the network has changed.
func (c *Client) CloseIdleConnections() { c.way.Load().http.CloseIdleConnections() }

// readBaseURL returns raw as scheme://host. Its errors leave raw out: a URL
// may hold a password.
func readBaseURL(raw string) (string, error) {
	base, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("not a URL")
	}
	switch {
	case base.Scheme != "https" && base.Scheme != "http":
		return "", errors.New("must begin with https://")
	case base.Hostname() == "":
		return "", errors.New("has no host")
	case base.User != nil:
		return "", errors.New("must not have a user name or password")
	case strings.ContainsAny(raw, "?#"):
		return "", errors.New("must not have a query or fragment")
	case base.Path != "" && base.Path != "/":
		return "", errors.New("must not have a path, /api/v2 is added to it")
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		return "", errors.New("http:// is for loopback hosts only, use https://")
	}
	host := strings.ToLower(base.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[base.Scheme])
	return base.Scheme + "://" + host, nil
}

// isLoopback does not resolve names: what a name resolves to can change after
// the check.
func isLoopback(host string) bool {
	ip, _ := netip.ParseAddr(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || ip.Unmap().IsLoopback()
}

// unlessLoopback keeps what is for this box from any proxy: net/http sends to it
// what it does not know for a loopback address by its spelling.
func unlessLoopback(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if isLoopback(r.URL.Hostname()) {
			return nil, nil
		}
		return proxy(r)
	}
}

// logRequest writes the debug line of one request.
func (c *Client) logRequest(ctx context.Context, r request, a answer, took time.Duration, err error) {
	attrs := []slog.Attr{
		slog.String("method", r.method), slog.String("path", r.path),
		slog.Int("http_status", a.status), slog.Duration("duration", took),
	}
	var failed *Error
	if errors.As(err, &failed) && failed.Code != 0 {
		attrs = append(attrs, slog.Int("plex_code", failed.Code))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "asked plex.tv", attrs...)
}
