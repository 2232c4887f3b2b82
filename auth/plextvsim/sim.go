// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Sim is a simulated plex.tv: an [http.Handler] for its paths and methods that
// play the people and the misfortunes on the other side. Make one with [New].
// It is safe for concurrent use.
type Sim struct {
	options Options
	clock   clockwork.Clock
	routes  []route

	logMu sync.Mutex

	mu          sync.Mutex    // guards everything below
	counted     chan struct{} // closed when a request is counted, then replaced
	users       []*User
	sessions    map[string]*session // by opaque token
	devices     map[string]*device  // by client identifier
	keyOwners   map[string]*device  // by the id and by the thumbprint of the key
	refusedJWTs map[string]int      // the status of a JWT that [Sim.Refuse] was given
	keys        []signingKey        // of plex.tv, newest last
	changes     []func(*JWT)
	nonces      []nonce // oldest first
	unused      map[string]time.Time
	servers     map[grant]bool // what media servers accept
	pins        []*pin         // oldest first
	pinsByID    map[int64]*pin
	pinsByCode  map[string]*pin
	faults      []*pendingFault
	requests    []*Request
	arrived     map[Endpoint]int // how many requests, [Any] counts all
	answered    map[Endpoint]int
}

// New returns a simulator without users, PINs or faults. It has two signing keys,
// the newer one in use.
func New(options Options) *Sim {
	options = options.withDefaults()
	return &Sim{
		options:     options,
		clock:       options.Clock,
		routes:      routes(),
		counted:     make(chan struct{}),
		sessions:    make(map[string]*session),
		devices:     make(map[string]*device),
		keyOwners:   make(map[string]*device),
		refusedJWTs: make(map[string]int),
		keys:        []signingKey{newSigningKey(), newSigningKey()},
		unused:      make(map[string]time.Time),
		servers:     make(map[grant]bool),
		pinsByID:    make(map[int64]*pin),
		pinsByCode:  make(map[string]*pin),
		arrived:     make(map[Endpoint]int),
		answered:    make(map[Endpoint]int),
	}
}

// ServeHTTP answers as plex.tv does, or as the next matching [Fault] says.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, handle := s.receive(r)
	record := s.record(x)
	defer s.recordAnswered(x.endpoint)

	fault := s.nextFault(x.endpoint)
	if !s.pause(r, fault.Delay) {
		return
	}
	if fault.Reset {
		reset(w)
	}
	x.now, x.skew = s.clock.Now(), fault.Skew
	var a answer
	if fault.invents() {
		a = fault.answer(x)
	} else {
		a = render(x, s.handle(x, handle))
	}
	if fault.Lost {
		reset(w)
	}
	fault.spoil(&a)
	s.recordStatus(record, a.status)
	a.write(w, x.now.Add(x.skew))
	if fault.Stall && len(a.body) > 0 {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// handle gives the reply of an endpoint, after the checks that all of them share.
func (s *Sim) handle(x *exchange, handle handler) reply {
	if handle == nil {
		return refuse(codeNotFound)
	}
	if x.client() == "" && x.endpoint != GetKeys { // OpenID libraries fetch keys without our headers
		return refuse(codeNoIdentifier)
	}
	r := handle(s, x)
	if x.log != "" {
		s.logf("%s", x.log)
	}
	return r
}

// pause waits for d and reports whether the client is still there.
func (s *Sim) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-s.clock.After(d):
		return true
	case <-r.Context().Done():
		return false
	}
}

// logf writes one line to the log. The simulator must not be locked: a reader
// that does not read would stop it.
func (s *Sim) logf(format string, args ...any) {
	if s.options.Log == nil {
		return
	}
	s.logMu.Lock()
	defer s.logMu.Unlock()
	_, _ = fmt.Fprintf(s.options.Log, format+"\n", args...)
}
