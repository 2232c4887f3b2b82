// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

var (
	length = flag.Duration("for", 3*time.Minute, "how long the load lasts")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the order of what happens")
)

// The same number of rounds and measures is spread over any length, as far as the
// machine is fast enough.
const (
	rounds   = 2400
	measures = 60
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
	var run []measure
	var rested measure
	for range 3 {
		for range measures / 3 {
			rounds := b.live(*length / measures)
			run = append(run, b.measure())
			b.Logf("%2d/%d, %d rounds: %v", len(run), measures, rounds, run[len(run)-1])
		}
		if rested == (measure{}) {
			rested = b.smallest(restTime, measure{})
		} else {
			b.restsAt(rested)
		}
	}
	table, grown := verdict(run)
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

// round has something happen. What a caller who has left set going may still come
// in between, and a pause that plex.tv has asked for, so an act that fails may be tried
// once more when that is over.
func (b *box) round() {
	b.Helper()
	act := acts[b.random.IntN(len(acts))]
	err := b.try(act.do)
	if err != nil {
		b.Logf("%s, once more after: %v", act.name, err)
		<-time.After(2 * plexPause)
		err = b.try(act.do)
	}
	if err != nil {
		b.Errorf("%s: %v\n%s", act.name, err, &b.Printed)
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
// plex.tv are given up.
func (b *box) atRest() measure {
	b.Helper()
	v := b.visit()
	err := v.adaIsIn()
	v.leave()
	if err != nil {
		b.Fatal(err)
	}
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

// lives is how often the other daemon is restarted.
const lives = 60

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
	var largest int64 // state of the first third of the lives
	for life := range lives {
		rounds := b.live(*length / lives)
		before := b.tokenOf(b.visit())
		how := ends[b.random.IntN(len(ends))]
		how.end(b)
		b.process.Wait()
		b.start()
		if after := b.tokenAtOnce(b.visit()); after != before {
			b.Fatalf("after %s another token is there", how.name)
		}
		size := b.onlyTheState()
		if life < lives/3 {
			largest = max(largest, size)
		} else if size > largest+stateSlack {
			b.Errorf("the state has grown from %d bytes to %d", largest, size)
		}
		b.Logf("%2d/%d, %d rounds, then %s: the token is there, the state has %d bytes", life+1, lives, rounds, how.name, size)
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

// onlyTheState wants one file, and gives its size.
func (b *box) onlyTheState() int64 {
	b.Helper()
	if n := b.entries(filepath.Dir(b.State)); n != 1 {
		b.Errorf("%d files are next to the state", n-1)
	}
	info, err := os.Stat(b.State)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}
