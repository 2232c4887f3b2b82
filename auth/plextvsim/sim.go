package plextvsim

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Options sets a simulator up. The zero value is what most tests want.
type Options struct {
	// Clock is the time by which PINs expire and delays pass. Nil is real time.
	Clock clockwork.Clock
	// ClaimAfter, if positive, lets the first user claim every new PIN by itself
	// when so much time has passed.
	ClaimAfter time.Duration
	// TokenOnce makes a claimed PIN show its token to one check and be gone (404,
	// code 1020) for every later one. What plex.tv does is not known; by default
	// the token is shown until the PIN expires.
	TokenOnce bool
	// Log gets a line for each new PIN, claim and sign-out, with codes and user
	// names, never with a token or PIN id. Nil writes nothing.
	Log io.Writer
}

// Sim is a simulated plex.tv: an [http.Handler] for its paths and methods that
// play the people and the misfortunes on the other side. Make one with [New].
// It is safe for concurrent use.
type Sim struct {
	options Options
	clock   clockwork.Clock
	routes  []route

	logMu sync.Mutex

	mu       sync.Mutex    // guards everything below
	counted  chan struct{} // closed when a request is counted, then replaced
	users    []*User
	sessions map[string]*session // by token
	pins     []*pin
	faults   []*Fault
	requests []*Request
	arrived  map[Endpoint]int // how many requests, [Any] counts all
	answered map[Endpoint]int
}

// New returns a simulator without users, PINs or faults.
func New(options Options) *Sim {
	s := &Sim{
		options:  options,
		clock:    options.Clock,
		routes:   routes(),
		counted:  make(chan struct{}),
		sessions: make(map[string]*session),
		arrived:  make(map[Endpoint]int),
		answered: make(map[Endpoint]int),
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	return s
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
	fault.spoil(&a)
	s.recordStatus(record, a.status)
	a.write(w, x.now.Add(x.skew))
}

// handle gives the reply of an endpoint, after the checks that all of them share.
func (s *Sim) handle(x *exchange, handle handler) reply {
	if handle == nil {
		return refuse(codeNotFound)
	}
	if x.param("X-Plex-Client-Identifier") == "" {
		return refuse(codeNoIdentifier)
	}
	return handle(s, x)
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
