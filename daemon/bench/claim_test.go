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

// The aim of the claim: the default poll interval and a little.
const (
	pollInterval  = 1000 // ms
	claimOverhead = 20
)

// claimRows measure from the claim at plex.tv to AuthChanged at 200 subscribers.
// The claim comes right after plex.tv has answered a question about the PIN, so a
// whole poll interval passes first: nobody ever waits longer. It is compared with
// the same signal from this process, which takes only the bus's time.
func (b *benchmark) claimRows() []row {
	r := newRig(b.t, b.tools, b.program)
	p := r.run(r.daemon)
	defer p.end()
	var first, last, bare samples
	for range b.rounds(12) {
		subscribers := r.subscribe()
		_, code := r.frontend.RequestPin()
		asked := r.Sim.Count(plextvsim.CheckPin)
		r.awaitAnswers(asked + 1)
		began := b.now()
		r.Claim(code, "")
		early, late := subscribers.heard()
		first, last = append(first, early-began), append(last, late-began)
		r.frontend.Await("PinEnded")
		if err := r.frontend.Call("Credentials.ClearCredentials").Err; err != nil {
			r.Fatal(err)
		}
		r.frontend.Await("AuthChanged")

		subscribers = r.subscribe()
		began = b.now()
		if err := r.frontend.Conn.Emit(names.Path, names.Main+".AuthChanged", true, map[string]string{}); err != nil {
			b.t.Fatal(err)
		}
		_, late = subscribers.heard()
		bare = append(bare, late-began)
		r.frontend.Await("AuthChanged")
	}
	limit := reference{"poll interval + 20", samples{pollInterval + claimOverhead}, aim{"≤", 1}}
	return []row{
		{"claim to signal, first of 200 subscribers, ms", first, []reference{limit}},
		{"claim to signal, last of 200 subscribers, ms", last, []reference{limit, {"a bare signal to the last", bare, aim{}}}},
	}
}

// now is the monotonic clock, which load.c reads too, in milliseconds.
func (b *benchmark) now() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		b.t.Fatal(err)
	}
	return float64(t.Nano()) / 1e6
}

func (r *rig) awaitAnswers(n int) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), daemontest.Patience)
	defer cancel()
	if err := r.Sim.AwaitAnswers(ctx, n, plextvsim.CheckPin); err != nil {
		r.Fatal(err)
	}
}

// subscribers wait for AuthChanged.
type subscribers struct {
	r   *rig
	cmd *exec.Cmd
	out io.Reader
}

func (r *rig) subscribe() subscribers {
	r.Helper()
	rule := fmt.Sprintf("type='signal',path='%s'", names.Path)
	cmd := r.load(bustest.Call(names.DBus, names.DBus+".AddMatch", rule),
		"listen", 200, "AuthChanged")
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
