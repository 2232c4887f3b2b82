// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

var (
	length = flag.Duration("for", 3*time.Minute, "how long the load lasts")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the order of what happens")
)

// The same number of rounds, measures and lives is spread over any length, as far as
// the machine is fast enough. If it is not there are fewer, and the length stays.
const (
	rounds   = 2400
	measures = 60
	lives    = 60 // of the daemon that is restarted
	fewest   = 5  // measures and lives in each third
)

// TestSoak runs two boxes in two homes at the same time.
func TestSoak(t *testing.T) {
	program := daemontest.Release(t, "MORE_TAGS=,soak", "MORE_LDFLAGS=-X main.pace=none")
	t.Logf("%v, seed %d", *length, *seed)
	t.Run("one life", func(t *testing.T) {
		t.Parallel()
		newBox(t, program, "jwt", *seed).oneLife()
	})
	t.Run("many lives", func(t *testing.T) {
		t.Parallel()
		newBox(t, program, "legacy", *seed+1).manyLives()
	})
}

// oneLife is a daemon that is never restarted and must not grow.
func (b *box) oneLife() {
	b.Sim.SetJWTLifetime(max(30*time.Second, *length/20)) // they are renewed all the time
	b.start()
	b.Logf("the first third is to warm up")
	var thirds [3][]measure
	var rested measure
	for n := range thirds {
		for end := time.Now().Add(*length / 3); len(thirds[n]) < fewest || time.Now().Before(end); {
			rounds := b.live(*length / measures)
			now := b.measure()
			thirds[n] = append(thirds[n], now)
			b.Logf("%d.%02d, %d rounds: %v", n+1, len(thirds[n]), rounds, now)
		}
		if n == 0 {
			rested = b.smallest(restTime, measure{})
		} else {
			b.restsAt(rested)
		}
	}
	table, grown := verdict(thirds[1], thirds[2])
	b.Logf("\n%s", table)
	if len(grown) > 0 {
		b.Errorf("grown: %s", strings.Join(grown, "; "))
	}
}

// live does one thing after the other for that long, and tells how many.
func (b *box) live(long time.Duration) (done int) {
	b.Helper()
	until := time.Now().Add(long)
	for pause := *length / rounds; ; done++ {
		next := time.Now().Add(pause)
		b.round()
		if b.Failed() {
			b.FailNow()
		}
		if time.Now().After(until) {
			return done + 1
		}
		<-time.After(time.Until(next))
	}
}

// plexPause is the pause that plex.tv asks for in plexFails.
const plexPause = time.Second

// round has something happen.
func (b *box) round() {
	b.Helper()
	act := acts[b.random.IntN(len(acts))]
	b.act(act.name, act.do)
}

// act does one thing. What a caller who has left set going may still come in between,
// and a pause that plex.tv has asked for, so an act that fails may be tried once more
// when that is over.
func (b *box) act(name string, do func(*visitor) error) {
	b.Helper()
	err := b.try(do)
	if err != nil {
		b.Logf("%s, once more after: %v", name, err)
		<-time.After(2 * plexPause)
		err = b.try(do)
	}
	if err != nil {
		b.Errorf("%s: %v\n%s", name, err, &b.Printed)
	}
}

func (b *box) try(act func(*visitor) error) error {
	v := b.visit()
	defer v.leave()
	if err := v.adaIsIn(); err != nil {
		return err
	}
	return act(v)
}

// atRest measures a daemon that is signed in and left alone: connections to
// plex.tv are given up. It goes on asking about the codes that were given up last, as
// many as it remembers.
func (b *box) atRest() measure {
	b.Helper()
	b.act("codes are given up", func(v *visitor) (err error) {
		for range statefile.MaxGivenUp {
			err = errors.Join(err, v.cancelPin())
		}
		return err
	})
	b.Plex.CloseIdle()
	return b.measure()
}

// restTime is enough for what was under way to end: a sign-out that plex.tv has to
// hear of takes the longest.
const restTime = 20 * time.Second

// smallest is what the daemon needs at rest: the fewest goroutines and files that
// are seen within a while, or as few as enough.
func (b *box) smallest(while time.Duration, enough measure) (least measure) {
	b.Helper()
	least = b.atRest()
	for end := time.Now().Add(while); time.Now().Before(end); <-time.After(time.Second) {
		now := b.measure()
		least.Goroutines, least.Files = min(least.Goroutines, now.Goroutines), min(least.Files, now.Files)
		if least.Goroutines <= enough.Goroutines && least.Files <= enough.Files {
			break
		}
	}
	b.Logf("at rest: %d goroutines, %d files", least.Goroutines, least.Files)
	return least
}

// restsAt wants at most as many goroutines and files as there were at rest before.
func (b *box) restsAt(before measure) {
	b.Helper()
	now := b.smallest(patience, before)
	if now.Files > before.Files {
		b.Errorf("files leak: %d at rest, %d before: %s", now.Files, before.Files, b.open())
	}
	if now.Goroutines > before.Goroutines {
		b.Errorf("goroutines leak: %d at rest, %d before:\n%s", now.Goroutines, before.Goroutines, b.count(syscall.SIGUSR2).Stacks)
	}
}

// ends are the ways in which its lives end.
var ends = []struct {
	name string
	end  func(*box)
}{
	{"SIGTERM", func(b *box) { b.process.Signal(syscall.SIGTERM) }},
	{"kill -9", func(b *box) { b.process.Signal(syscall.SIGKILL) }},
	{"the bus restarts", func(b *box) { b.Bus.Restart() }},
}

// manyLives is a daemon that ends again and again: the token it had is there at
// each start, and no files pile up next to the state.
func (b *box) manyLives() {
	b.start()
	var sizes []int64 // of the state, after each life
	for end := time.Now().Add(*length); len(sizes) < 3*fewest || time.Now().Before(end); {
		rounds := b.live(*length / lives)
		before := b.tokenOf(b.visit())
		how := ends[b.random.IntN(len(ends))]
		how.end(b)
		b.process.Wait()
		b.start()
		if after := b.tokenAtOnce(b.visit()); after != before {
			b.Fatalf("after %s another token is there", how.name)
		}
		sizes = append(sizes, b.onlyTheState())
		b.Logf("%2d, %d rounds, then %s: the token is there, the state has %d bytes", len(sizes), rounds, how.name, sizes[len(sizes)-1])
	}
	first := len(sizes) / 3
	if before, after := slices.Max(sizes[:first]), slices.Max(sizes[first:]); after > before+stateSlack {
		b.Errorf("the state has grown from %d bytes to %d", before, after)
	}
}

// stateSlack is for what the first third of the lives did not have in the state.
const stateSlack = 2 << 10

// tokenOf gives the token once ada is signed in.
func (b *box) tokenOf(v *visitor) string {
	b.Helper()
	if err := v.adaIsIn(); err != nil {
		b.Fatal(err)
	}
	return b.tokenAtOnce(v)
}

// tokenAtOnce gives the token that is there.
func (b *box) tokenAtOnce(v *visitor) string {
	b.Helper()
	defer v.leave()
	token, err := v.Token(v.ctx)
	if err != nil {
		b.Fatal(err)
	}
	return token.Reveal()
}

// onlyTheState wants no file beside the state but that of the media servers, and gives
// the size of both.
func (b *box) onlyTheState() (size int64) {
	b.Helper()
	files, err := os.ReadDir(filepath.Dir(b.State))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			b.Fatal(err)
		}
		if name := file.Name(); name != filepath.Base(b.State) && name != statefile.ServersName {
			b.Errorf("%s is beside the state", name)
		}
		size += info.Size()
	}
	return size
}
