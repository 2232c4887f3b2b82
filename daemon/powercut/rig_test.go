// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

var (
	cutsFlag = flag.Int("cuts", 1000, "how many power cuts, in all tests together")
	seedFlag = flag.Uint64("seed", uint64(time.Now().UnixNano()), "chooses the cuts; the kernel's own timing stays its own")
)

// percent is that part of all the cuts.
func percent(n int) int { return max(1, *cutsFlag*n/100) }

// rig is what a test cuts the power of.
type rig struct {
	testing.TB
	kind   string // in fileSystems
	shelf  *shelf
	dir    string // where disks are mounted
	empty  image
	random *rand.Rand

	cuts, inFlight, repaired int
}

func newRig(t testing.TB, kind string) *rig {
	t.Helper()
	t.Logf("-seed %d", *seedFlag)
	empty, err := fileSystems[kind].empty(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(*seedFlag, uint64(len(t.Name()))))
	return &rig{TB: t, kind: kind, shelf: newShelf(t), dir: t.TempDir(), empty: empty, random: random}
}

// use boots a box with d, and shuts it down when do is done.
func (r *rig) use(d *disk, do func(box *child) error) error {
	file := r.shelf.put(d)
	defer r.shelf.take(d)
	box, err := startChild("box", boxDisk+"="+file, boxMount+"="+r.dir, boxKind+"="+r.kind)
	if err != nil {
		return err
	}
	repaired, err := box.hear()
	if err != nil {
		return err
	}
	if repaired == "true" {
		r.repaired++
	}
	return errors.Join(do(box), box.end())
}

// ask has a box obey.
func (c *child) ask(command string, numbers ...int) (string, error) {
	for _, n := range numbers {
		command += " " + strconv.Itoa(n)
	}
	c.say(command)
	return c.hear()
}

// recorded gives what happens to an empty disk while do runs, which notes each state
// that is saved.
func (r *rig) recorded(do func(d *disk) error) recording {
	r.Helper()
	d := newDisk("recorded", r.empty)
	rec := recording{most: 1}
	err := r.use(d, func(box *child) error {
		if _, err := box.ask("sync"); err != nil {
			return err
		}
		rec.base = d.restart()
		err := do(d)
		rec.events = d.seen()
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

// record has a writer save that many states.
func (r *rig) record(task string, states int) recording {
	r.Helper()
	return r.recorded(func(d *disk) error {
		w, err := startChild(task, writerPath+"="+statePath(r.dir))
		if err != nil {
			return err
		}
		defer w.kill()
		for range states {
			n, err := w.saved()
			if err != nil {
				return err
			}
			d.note(event{kind: saved, state: n})
			w.say("go on")
		}
		return nil
	})
}

// saved waits for a writer's next state.
func (c *child) saved() (n int, err error) {
	line, err := c.hear()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(line)
}

// survives boots a box after a cut, and wants a state that may be there, whole,
// and that saving goes on. What happens to the disk meanwhile is returned, so
// that the power can be cut again.
func (r *rig) survives(c cut) (recording, error) {
	d := newDisk("cut-"+strconv.Itoa(r.cuts), c.image)
	r.cuts++
	again := recording{base: c.image, least: c.least}
	err := r.use(d, func(box *child) error {
		answer, err := box.ask("judge", c.least, c.most)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(answer)
		if err != nil {
			return err
		}
		if n > c.least {
			r.inFlight++
		}
		again.most = n + 1
		if _, err := box.ask("save", n+1); err != nil {
			return err
		}
		d.note(event{kind: saved, state: n + 1})
		return nil
	})
	again.events = d.seen()
	return again, err
}

// survivesAll makes about count cuts, every fourth of them while the box
// recovers from the one before, until one goes wrong.
func (r *rig) survivesAll(rec recording, count int) error {
	for c := range rec.cuts(r.random, (count*3+3)/4) {
		again, err := r.survives(c)
		if err != nil {
			return r.keep(c, err)
		}
		if r.cuts%4 != 3 {
			continue
		}
		for c := range again.cuts(r.random, 1) {
			if _, err := r.survives(c); err != nil {
				return r.keep(c, fmt.Errorf("at the second cut: %w", err))
			}
		}
	}
	return nil
}

// keep tells what cut went wrong, and keeps the disk as it was after it.
func (r *rig) keep(c cut, err error) error {
	file, fault := os.CreateTemp("", "powercut-*.img")
	if fault == nil {
		fault = c.image.writeTo(file)
	}
	if fault != nil {
		return errors.Join(err, fault)
	}
	return fmt.Errorf("cut %d, after %d events, %s: %w; the disk is kept in %s", r.cuts, c.at, c.fate, err, file.Name())
}

func (r *rig) report() {
	r.Logf("%d cuts, %d of them found the state that was under way; the file system needed repair after %d",
		r.cuts, r.inFlight, r.repaired)
}
