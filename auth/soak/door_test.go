// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// call is a request that has arrived at plex.tv.
type call struct {
	kind   string // the last word of its path, "pin" for a question about one
	box    string // its client identifier
	at     time.Time
	status int // 0 if the box has heard no answer
	pause  time.Duration
}

func (c call) String() string {
	return fmt.Sprintf("%s %s %d", c.at.Format("02. 15:04:05"), c.kind, c.status)
}

// door is where requests arrive at plex.tv. It writes them down, and things happen
// there that happen in the middle of a request.
type door struct {
	sim   *plextvsim.Sim
	clock *clockwork.FakeClock

	mu    sync.Mutex
	calls []call
	trap  *trap
	shut  bool // who asks is dead already
}

// trap is something that happens in the middle of the next request but some.
type trap struct {
	skip   int
	before func() // plex.tv has looked at it
	after  func() // plex.tv has carried it out; the answer does not arrive
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	shut, sprung := d.shut, d.spring()
	d.mu.Unlock()
	if shut {
		panic(http.ErrAbortHandler)
	}
	if sprung.before != nil {
		sprung.before()
	}
	seen := &answer{ResponseWriter: w, call: call{kind: kindOf(r), box: r.Header.Get("X-Plex-Client-Identifier"), at: d.clock.Now()}}
	defer d.note(seen)
	if sprung.after != nil {
		d.sim.ServeHTTP(httptest.NewRecorder(), r)
		sprung.after()
		panic(http.ErrAbortHandler)
	}
	d.sim.ServeHTTP(seen, r)
}

// spring gives what happens in this request.
func (d *door) spring() (now trap) {
	switch {
	case d.trap == nil:
	case d.trap.skip > 0:
		d.trap.skip--
	default:
		now, d.trap = *d.trap, nil
	}
	return now
}

func (d *door) set(t *trap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trap = t
}

// slam answers nobody any more until it is opened.
func (d *door) slam(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
}

func (d *door) note(a *answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, a.call)
}

// take gives the calls since it was last asked.
func (d *door) take() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// kindOf is a call's endpoint in one word.
func kindOf(r *http.Request) string {
	last := path.Base(r.URL.Path)
	if _, err := strconv.ParseInt(last, 10, 64); err == nil && strings.HasSuffix(path.Dir(r.URL.Path), "/pins") {
		return "pin"
	}
	return last
}

// answer reads along.
type answer struct {
	http.ResponseWriter
	call
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	if seconds, err := strconv.Atoi(a.Header().Get("Retry-After")); err == nil {
		a.pause = time.Duration(seconds) * time.Second
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for whoever wants to reset the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
