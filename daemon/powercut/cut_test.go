// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"iter"
	"math/rand/v2"
	"slices"
)

// sector is what a drive writes whole or not at all.
const sector = 512

// recording is what a disk held at some time and what happened to it then.
type recording struct {
	base   image
	events []event
	// least and most are the numbers of the oldest and the newest state that
	// may be found on it before the first saved event.
	least, most int
}

// cut is a disk after the power went.
type cut struct {
	image image
	// least was acknowledged last, so it is the oldest that may be found; what
	// comes up to most may have been under way.
	least, most int
	at          int    // the number of events before it
	fate        string // of the writes that were not flushed
}

// cuts rebuilds the disk as it may be after power cuts, of which it makes count
// at random places, half of them right after a state was acknowledged. What was
// written before a flush is there. Of what was written since, the drive's cache
// may have kept anything. As a sector that was written twice holds one of the
// versions, any subset in its order is also any subset in any order.
func (r recording) cuts(random *rand.Rand, count int) iter.Seq[cut] {
	places := r.places(random, count)
	return func(yield func(cut) bool) {
		durable, pending := r.base.clone(), []event(nil)
		least, most := r.least, r.most
		for i := 0; i <= len(r.events); i++ {
			for ; len(places) > 0 && places[0] == i; places = places[1:] {
				c := cut{image: durable.clone(), least: least, most: most, at: i}
				f := fates[random.IntN(len(fates))]
				c.fate = f.name
				f.arrive(random, pending, c.image)
				if !yield(c) {
					return
				}
			}
			if i == len(r.events) {
				return
			}
			switch e := r.events[i]; e.kind {
			case write:
				pending = append(pending, e)
			case flush:
				for _, e := range pending {
					durable.write(e.data, e.offset)
				}
				pending = nil
			case saved:
				least, most = e.state, e.state+1
			}
		}
	}
}

func (r recording) places(random *rand.Rand, count int) []int {
	var acknowledged []int
	for i, e := range r.events {
		if e.kind == saved {
			acknowledged = append(acknowledged, i+1)
		}
	}
	places := make([]int, count)
	for i := range places {
		if len(acknowledged) > 0 && i%2 == 0 {
			places[i] = acknowledged[random.IntN(len(acknowledged))]
		} else {
			places[i] = random.IntN(len(r.events) + 1)
		}
	}
	slices.Sort(places)
	return places
}

// forgetful is the same on a drive that answers flushes and does nothing.
func (r recording) forgetful() recording {
	r.events = slices.DeleteFunc(slices.Clone(r.events), func(e event) bool { return e.kind == flush })
	return r
}

// fates are what may become of writes that no flush has followed.
var fates = []struct {
	name   string
	arrive func(random *rand.Rand, pending []event, m image)
}{
	{"none arrived", func(*rand.Rand, []event, image) {}},
	{"all arrived", func(_ *rand.Rand, pending []event, m image) {
		for _, e := range pending {
			m.write(e.data, e.offset)
		}
	}},
	{"some arrived", func(random *rand.Rand, pending []event, m image) {
		for _, e := range pending {
			if random.IntN(2) == 0 {
				m.write(e.data, e.offset)
			}
		}
	}},
	{"one was lost", func(random *rand.Rand, pending []event, m image) {
		lost := random.IntN(len(pending) + 1)
		for i, e := range pending {
			if i != lost {
				m.write(e.data, e.offset)
			}
		}
	}},
	{"the last ones overtook", func(random *rand.Rand, pending []event, m image) {
		for _, e := range pending[random.IntN(len(pending)+1):] {
			m.write(e.data, e.offset)
		}
	}},
	{"torn in the middle", func(random *rand.Rand, pending []event, m image) {
		if len(pending) == 0 {
			return
		}
		last := random.IntN(len(pending))
		for _, e := range pending[:last] {
			m.write(e.data, e.offset)
		}
		e := pending[last]
		m.write(e.data[:sector*random.IntN(len(e.data)/sector+1)], e.offset)
	}},
	{"some sectors arrived", func(random *rand.Rand, pending []event, m image) {
		for _, e := range pending {
			for at := 0; at < len(e.data); at += sector {
				if random.IntN(2) == 0 {
					m.write(e.data[at:min(at+sector, len(e.data))], e.offset+int64(at))
				}
			}
		}
	}},
}
