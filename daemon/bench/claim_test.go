// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// pollInterval is the default, in milliseconds. The aim of the claim is that and a
// little.
const pollInterval = 1000

// claimTimes are milliseconds: from a claim to the first and the last who is told,
// and what a bare signal takes to the last.
type claimTimes struct{ first, last, bare samples }

// claims measures from the claim at plex.tv to AuthChanged at subscribers.
// The claim comes right after plex.tv has answered a question about the PIN, so a
// whole poll interval passes first: nobody ever waits longer. It is compared with
// the same signal from this process, which takes only the bus's time.
// The daemon has no limits for callers, who may ask for a new PIN four times a minute.
func (b *benchmark) claims(listeners, rounds int) (times claimTimes) {
	r := newRig(b.t, b.tools, b.unpaced)
	p := r.run(r.daemon)
	defer p.end()
	for range b.rounds(rounds) {
		subscribers := r.subscribe(listeners)
		_, code := r.frontend.RequestPin()
		asked := r.Sim.Count(plextvsim.CheckPin)
		r.awaitAnswers(asked+1, plextvsim.CheckPin)
		began := b.now()
		r.Claim(code, "")
		early, late := subscribers.heard()
		times.first, times.last = append(times.first, early-began), append(times.last, late-began)
		r.frontend.Await("PinEnded")
		if err := r.frontend.Call("Credentials.ClearCredentials").Err; err != nil {
			r.Fatal(err)
		}
		r.frontend.Await("AuthChanged")

		subscribers = r.subscribe(listeners)
		began = b.now()
		if err := r.frontend.Conn.Emit(names.Path, names.Main+".AuthChanged", true, map[string]string{}); err != nil {
			b.t.Fatal(err)
		}
		_, late = subscribers.heard()
		times.bare = append(times.bare, late-began)
		r.frontend.Await("AuthChanged")
	}
	return times
}

// claimRows are about 200 subscribers.
func (b *benchmark) claimRows() {
	times, limit := b.claims(200, 12), overInterval(20)
	b.services = append(b.services,
		row{"claim to signal, first of 200 subscribers, ms", times.first, []reference{limit}},
		row{"claim to signal, last of 200 subscribers, ms", times.last, []reference{limit, times.bareSignal()}})
}

// overInterval is the aim to take so many milliseconds more than the poll interval.
func overInterval(milliseconds int) reference {
	return reference{fmt.Sprint("poll interval + ", milliseconds), samples{float64(pollInterval + milliseconds)}, aim{"≤", 1}}
}

func (t claimTimes) bareSignal() reference {
	return reference{"a bare signal to the last", t.bare, aim{}}
}

// now is the monotonic clock, which load.c reads too, in milliseconds.
func (b *benchmark) now() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		b.t.Fatal(err)
	}
	return float64(t.Nano()) / 1e6
}

func (r *rig) awaitAnswers(n int, to plextvsim.Endpoint) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), daemontest.Patience)
	defer cancel()
	if err := r.Sim.AwaitAnswers(ctx, n, to); err != nil {
		r.Fatal(err)
	}
}

// subscribers wait for AuthChanged.
type subscribers struct {
	r   *rig
	cmd *exec.Cmd
	out io.Reader
}

func (r *rig) subscribe(connections int) subscribers {
	r.Helper()
	rule := fmt.Sprintf("type='signal',path='%s'", names.Path)
	return r.listen(bustest.Call(names.DBus, names.DBus+".AddMatch", rule), connections)
}

// listen has so many connections make a call first.
func (r *rig) listen(call []byte, connections int) subscribers {
	r.Helper()
	cmd := r.load(call, "listen", connections, "AuthChanged")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	s := subscribers{r, cmd, bufio.NewReader(out)}
	if err == nil {
		var ready string
		_, err = fmt.Fscan(s.out, &ready)
	}
	if err != nil {
		r.Fatalf("subscribing: %v", err)
	}
	return s
}

// heard gives when the first and the last of them were told, in milliseconds.
func (s subscribers) heard() (first, last float64) {
	s.r.Helper()
	_, err := fmt.Fscan(s.out, &first, &last)
	if err == nil {
		err = s.cmd.Wait()
	}
	if err != nil {
		s.r.Fatalf("subscribers: %v", err)
	}
	return first / 1e6, last / 1e6
}
