// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/daemon/config"
)

func (x *examination) checkConfig(context.Context) Finding {
	path := x.Config
	if path == "" {
		path = config.DefaultPath
	}
	c, err := config.Load(path, x.Config != "", config.Default(x.Version))
	if err != nil {
		return wrong(err.Error(), "correct it and check it: plexauthd --check-config")
	}
	said := ""
	switch {
	case x.PlexURL != "":
		c.PlexURL = x.PlexURL
	case x.endpoint != nil && x.endpoint.URL != c.PlexURL:
		c.PlexURL = x.endpoint.URL
		said = ", according to plexauthd: by an option, or the configuration was not reloaded"
	}
	if _, err := plextv.New(plextv.Config{BaseURL: c.PlexURL}); err != nil {
		return wrong(err.Error(), "correct plex.url, or --plex-url")
	}
	x.config = &c
	return ok("plex.tv is asked at " + c.PlexURL + said)
}

const networkAdvice = "check that the box is on the network"

func (x *examination) checkDNS(ctx context.Context) Finding {
	base, why := x.way()
	if base == nil {
		return unknown(why)
	}
	host := base.Hostname()
	if net.ParseIP(host) != nil {
		return unknown(host + " is not a name")
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	var failed *net.DNSError
	switch {
	case errors.As(err, &failed) && failed.IsNotFound:
		return wrong("the name "+host+" is not known", "see /etc/resolv.conf, and check for a captive portal")
	case err != nil:
		return wrong("the name "+host+" cannot be looked up: "+err.Error(), networkAdvice+", and /etc/resolv.conf")
	}
	return ok(fmt.Sprintf("%s has %d addresses", host, len(addresses)))
}

func (x *examination) checkTLS(ctx context.Context) Finding {
	base, why := x.way()
	switch {
	case base == nil:
		return unknown(why)
	case x.result("dns") == Wrong:
		return unknown("the address is not known")
	case base.Scheme != "https":
		return unknown("plain HTTP is used")
	}
	port := base.Port()
	if port == "" {
		port = "443"
	}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: x.RootCAs, MinVersion: tls.VersionTLS12, Time: x.Clock.Now}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(base.Hostname(), port))
	if err != nil {
		return x.judgeTLS(err)
	}
	_ = conn.Close()
	return ok("the certificate is valid")
}

func (x *examination) judgeTLS(err error) Finding {
	const portal = "check for a captive portal"
	var invalid x509.CertificateInvalidError
	var stranger x509.UnknownAuthorityError
	var name x509.HostnameError
	var noRoots x509.SystemRootsError
	var dial *net.OpError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		now := x.Clock.Now().UTC().Format(time.DateOnly)
		x.clockSuspect = fmt.Sprintf("the certificate is valid from %s to %s, and here it is %s",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly), now)
		return wrong(x.clockSuspect, "set the clock, see below")
	case errors.As(err, &stranger), errors.As(err, &noRoots):
		return wrong("the certificate is signed by an unknown authority", "install or update ca-certificates, and "+portal)
	case errors.As(err, &name):
		return wrong("the certificate is for another name", portal)
	case errors.Is(err, context.DeadlineExceeded):
		return wrong("no answer in time", networkAdvice)
	case errors.As(err, &dial) && dial.Op == "dial":
		return wrong("no connection: "+dial.Error(), networkAdvice+", and that no firewall is in the way")
	}
	return wrong("no TLS: "+err.Error(), portal)
}

// result of an earlier check.
func (x *examination) result(check string) Result {
	for _, f := range x.found {
		if f.Check == check {
			return f.Result
		}
	}
	return Unknown
}

// checkPlex asks what plex.tv tells everybody: the keys that it signs with.
func (x *examination) checkPlex(ctx context.Context) Finding {
	if x.config == nil {
		return unknown("the address of plex.tv is not known")
	}
	if x.result("dns") == Wrong || x.result("tls") == Wrong {
		return unknown("it cannot be reached, see above")
	}
	plex, finding := x.plexClient()
	if plex == nil {
		return finding
	}
	defer plex.CloseIdleConnections()
	identity := plextv.Identity{Product: x.config.Identity.Product, Version: x.Version}
	_, err := plex.SigningKeys(ctx, identity)
	if err == nil {
		return ok("answers")
	}
	return judgePlex(err)
}

func judgePlex(err error) Finding {
	var failed *plextv.Error
	if !errors.As(err, &failed) {
		return wrong("no answer in time", networkAdvice)
	}
	switch failed.Kind {
	case plextv.InvalidResponse:
		return wrong("what answers is not plex.tv: "+failed.Err.Error(), "check for a captive portal")
	case plextv.RateLimited:
		return wrong("plex.tv wants fewer requests", "wait; nothing on this box is broken")
	case plextv.ServerError:
		return wrong("plex.tv has a fault: "+failed.Err.Error(), "wait, or see https://status.plex.tv")
	case plextv.Unreachable:
		return wrong(failed.Err.Error(), networkAdvice)
	}
	return wrong("plex.tv refuses to answer: "+failed.Err.Error(), "check for a newer plexauthd")
}

// learn compares this box's clock with plex.tv's.
func (x *examination) learn(theirs time.Time) {
	ahead := x.Clock.Now().Sub(theirs).Round(10 * time.Second) // theirs is to the second, and old by the way here
	x.ahead = &ahead
}

// clockTolerance is what a clock may be off: a signature over the time has to be
// true to a few minutes.
const clockTolerance = 2 * time.Minute

// Of systemd-timesyncd(8): the directory is there while it runs, the file once it
// has set the clock.
const (
	timesync     = "/run/systemd/timesync"
	synchronised = timesync + "/synchronized"
)

func (x *examination) checkClock(context.Context) Finding {
	const advice = "set it: timedatectl set-ntp true, and check that the network lets NTP through"
	switch {
	case x.clockSuspect != "":
		return wrong(x.clockSuspect, advice)
	case x.ahead != nil && x.ahead.Abs() > clockTolerance:
		word := "ahead of"
		if *x.ahead < 0 {
			word = "behind"
		}
		return wrong(fmt.Sprintf("it is %v %s plex.tv's", x.ahead.Abs(), word), advice)
	case x.ahead != nil:
		return ok("agrees with plex.tv's" + timesyncWords())
	}
	if words := timesyncWords(); strings.Contains(words, "not") {
		return wrong("plex.tv does not send the time"+words, advice)
	}
	return unknown("plex.tv does not send the time")
}

// timesyncWords says what systemd-timesyncd has done, if it runs.
func timesyncWords() string {
	if _, err := os.Stat(timesync); err != nil {
		return ""
	}
	if _, err := os.Stat(synchronised); err != nil {
		return ", and systemd-timesyncd has not set it yet"
	}
	return ", and systemd-timesyncd has set it"
}
