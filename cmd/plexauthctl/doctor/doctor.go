// SPDX-License-Identifier: Apache-2.0

// Package doctor looks for what keeps plexauthd from working on this box and says
// what to do about it. It only looks: nothing is changed, and nobody is asked for a
// password.
package doctor

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/daemon/config"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// checkTimeout bounds each check, in real time.
const checkTimeout = 10 * time.Second

// Result is how a check went.
type Result string

// The results.
const (
	OK      Result = "ok"
	Wrong   Result = "wrong"   // Advice says what to do
	Unknown Result = "unknown" // could not be checked, or is not this box's
)

// Finding is what one check has found. It holds no secret and no person's name.
type Finding struct {
	Check   string `json:"check"`
	Result  Result `json:"result"`
	Finding string `json:"finding"`
	Advice  string `json:"advice,omitempty"`
}

// Options say where to look.
type Options struct {
	Bus     string // system, session or an address
	Config  string // the daemon's configuration file; "" is the default one, which may be missing
	State   string // the daemon's state file; "" is the service's, on the system bus
	PlexURL string // "" is what the daemon or the configuration says
	Version string // ours
	Clock   clockwork.Clock
	RootCAs *x509.CertPool // nil: the system's, or SSL_CERT_FILE
}

// examination is one run of all checks.
type examination struct {
	Options
	found []Finding

	conn    *dbus.Conn     // nil without a bus
	client  *client.Client // likewise
	owned   bool           // somebody has the daemon's bus name
	status  *client.Status // nil if the daemon does not tell
	allowed bool           // this user may call the daemon's methods
	config  *config.Config // nil if it is wrong
	// endpoint is how the daemon reaches plex.tv; nil if it does not tell, or if
	// Options name something else.
	endpoint *client.PlexEndpoint
	moved    *client.PlexEndpoint // the same if the sign-in belongs to another address

	ahead        *time.Duration // of plex.tv's clock is this box's; nil if not known
	clockSuspect string         // why the clock must be wrong
}

// Examine makes every check, in the order in which they build on each other.
func Examine(ctx context.Context, o Options) []Finding {
	x := &examination{Options: o}
	defer x.hangUp()
	for _, check := range []struct {
		name string
		run  func(context.Context) Finding
	}{
		{"bus", x.checkBus},
		{"daemon", x.checkDaemon},
		{"service", x.checkService},
		{"access", x.checkAccess},
		{"group", x.checkGroup},
		{"state file", x.checkStateFile},
		{"storage", x.checkStorage},
		{"configuration", x.checkConfig},
		{"dns", x.checkDNS},
		{"tls", x.checkTLS},
		{"plex.tv", x.checkPlex},
		{"clock", x.checkClock},
		{"sign-in", x.checkSignIn},
	} {
		bounded, cancel := context.WithTimeout(ctx, checkTimeout)
		f := check.run(bounded)
		cancel()
		f.Check = check.name
		x.found = append(x.found, f)
	}
	return x.found
}

func (x *examination) hangUp() {
	if x.conn != nil {
		_ = x.conn.Close()
	}
	if x.client != nil {
		_ = x.client.Close()
	}
}

func ok(text string) Finding            { return Finding{Result: OK, Finding: text} }
func wrong(text, advice string) Finding { return Finding{Result: Wrong, Finding: text, Advice: advice} }
func unknown(text string) Finding       { return Finding{Result: Unknown, Finding: text} }
