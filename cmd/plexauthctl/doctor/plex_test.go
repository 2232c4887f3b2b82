// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestPlexIsFarAway(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	good := p.Options
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	p.PlexURL = "https://plex.invalid" // RFC 6761
	p.finds("dns", Wrong, "the name plex.invalid", "/etc/resolv.conf")
	p.finds("tls", Unknown, "address is not known", "", "dns")
	p.PlexURL = "https://" + closed.Addr().String()
	p.finds("tls", Wrong, "connection refused", "on the network")
	p.PlexURL = strings.Replace(good.PlexURL, "127.0.0.1", "localhost", 1)
	p.finds("dns", OK, "localhost has ", "")
	p.Options = good
	p.RootCAs = x509.NewCertPool()
	p.finds("tls", Wrong, "unknown authority", "ca-certificates")
	p.finds("plex.tv", Unknown, "see above", "", "tls")
}

func TestPlexIsNotItself(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	for _, c := range []struct {
		fault        plextvsim.Fault
		text, advice string
	}{
		{plextvsim.CaptivePortal(), "what answers is not plex.tv: an HTML page", "captive portal"},
		{plextvsim.Fault{CutOff: true}, "what answers is not plex.tv", "captive portal"},
		{plextvsim.Fault{Status: 503}, "plex.tv has a fault", "status.plex.tv"},
		{plextvsim.Fault{Status: 429, RetryAfter: "60"}, "wants fewer requests", "nothing on this box is broken"},
		{plextvsim.Fault{Status: 403}, "refuses to answer", "newer plexauthd"},
		{plextvsim.Fault{Reset: true}, "reset", "on the network"},
	} {
		p.Plex.Fail(c.fault)
		p.finds("plex.tv", Wrong, c.text, c.advice)
		p.Plex.Clear()
	}
}

func TestClock(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.Plex.Fail(plextvsim.Fault{Skew: time.Hour})
	p.finds("clock", Wrong, "1h0m0s behind plex.tv's", "timedatectl set-ntp true")
	p.Plex.Clear()
	p.Plex.Fail(plextvsim.Fault{Skew: -10 * time.Minute})
	p.finds("clock", Wrong, "10m0s ahead of plex.tv's", "timedatectl")
	p.Plex.Clear()
	p.Clock = clockwork.NewFakeClockAt(time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC))
	p.finds("tls", Wrong, "and here it is 1970-01-01", "set the clock", "clock")
	p.finds("clock", Wrong, "the certificate is valid from ", "timedatectl", "tls")
}
