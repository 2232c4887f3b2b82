// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// firstDay is when every year begins: late enough that a clock which is years
// behind is still within the life of plex.tv's certificate.
var firstDay = time.Date(2075, 1, 1, 0, 0, 0, 0, time.UTC)

// world is plex.tv, the way there, and what is going to happen.
type world struct {
	clock  *clockwork.FakeClock
	sim    *plextvsim.Sim
	door   *door
	server *plextvsim.Server
	other  *plextvsim.Server // with a certificate that nobody trusts
	way    *way
	person string   // a token of who owns the box, on another device
	home   []string // UUIDs of the users of that home, who have no PIN

	plan []happening
}

// happening is something that is going to happen. What needs the box waits while
// it sleeps.
type happening struct {
	at       time.Time
	needsBox bool
	do       func()
}

func newWorld(t testing.TB, random *rand.Rand) *world {
	t.Helper()
	w := &world{clock: clockwork.NewFakeClockAt(firstDay)}
	options := plexOptions(random)
	options.Clock = w.clock
	w.sim = plextvsim.New(options)
	w.door = &door{sim: w.sim, clock: w.clock}
	var err error
	if w.server, err = plextvsim.Listen(w.door, "127.0.0.1:0", true); err != nil {
		t.Fatal(err)
	}
	w.other = w.sim.StartTLS()
	if w.way, err = newWay(address(w.server)); err != nil {
		t.Fatal(err)
	}
	w.person = w.sim.AddUser(plextvsim.User{Username: "owner", UUID: "0123456789abcdef", Resources: plextvsim.SampleResources()})
	w.home = []string{"0123456789abcdef"}
	for _, name := range []string{"kid", "guest"} {
		uuid, err := w.sim.AddHomeUser(w.person, plextvsim.User{Username: name, Restricted: name == "kid", Guest: name == "guest"})
		if err != nil {
			t.Fatal(err)
		}
		w.home = append(w.home, uuid)
	}
	return w
}

// plexOptions has plex.tv do what is not known of it in one way or another.
func plexOptions(random *rand.Rand) plextvsim.Options {
	maybe := func() bool { return random.IntN(2) == 0 }
	o := plextvsim.Options{
		TokenOnce: maybe(), PinRefusesKnownKey: maybe(), BareErrors: maybe(), FutureIssuedAt: maybe(),
		SignOutKeepsKey: maybe(), JWTKillsSwitched: maybe(), LetInWithoutPIN: maybe(),
		LegacyPin:   plextvsim.LegacyPin(random.IntN(2)), // refused, or without a token
		NoKeyStatus: []int{401, 404, 422}[random.IntN(3)],
	}
	if maybe() {
		o.ExpiredStatus = 401
	}
	if maybe() {
		o.SwitchedLifetime = 14 * 24 * time.Hour // as was seen
	}
	return o
}

func address(s *plextvsim.Server) string { return s.URL[len("https://"):] }

func (w *world) close() {
	w.way.close()
	w.server.Close()
	w.other.Close()
}

// in plans something.
func (w *world) in(d time.Duration, needsBox bool, do func()) {
	w.plan = append(w.plan, happening{w.clock.Now().Add(d), needsBox, do})
}

// next is the first happening that can be, -1 if there is none.
func (w *world) next(asleep bool) int {
	first := -1
	for i, h := range w.plan {
		if asleep && h.needsBox {
			continue
		}
		if first < 0 || h.at.Before(w.plan[first].at) {
			first = i
		}
	}
	return first
}

// take takes a happening off the plan.
func (w *world) take(i int) (do func()) {
	do = w.plan[i].do
	w.plan = append(w.plan[:i:i], w.plan[i+1:]...)
	return do
}
