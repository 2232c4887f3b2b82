// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// What a flood must not do: take more memory than that, or keep others waiting
// for longer than that, as a rule.
const (
	memoryLimit = 32 // MiB
	waitLimit   = 100 * time.Millisecond
)

const (
	propertiesInterface = names.Properties
	theBus              = names.DBus
	unknownMethod       = "org.freedesktop.DBus.Error.UnknownMethod"
	limitsExceeded      = "org.freedesktop.DBus.Error.LimitsExceeded"
)

// floodBox is a signed-in box with the daemon as it is released: the race
// detector has memory needs of its own.
func floodBox(t *testing.T, bus *bustest.Bus) (b *box, p *daemontest.Process, f *daemontest.Frontend) {
	b = newBoxOn(t, bus)
	b.Program = daemontest.Release(t)
	p = b.Start("--log-level", "info")
	f = b.Frontend()
	b.SignIn(f)
	// On a busy machine plex.tv names the user later, which is one more signal.
	if err := f.Call("Validate").Err; err != nil {
		t.Fatal(err)
	}
	return b, p, f
}

// checkMemory compares the most memory that was held, ever and now, with the limit.
func checkMemory(p *daemontest.Process, when string) {
	p.Box.Helper()
	peak, rss, pss := p.Memory("VmHWM:"), p.Memory("Rss:"), p.Memory("Pss:")
	p.Box.Logf("%s: peak %.1f MiB, now RSS %.1f, PSS %.1f", when, peak, rss, pss)
	if max(peak, rss, pss) > memoryLimit {
		p.Box.Errorf("%s: more than %d MiB", when, memoryLimit)
	}
}

// floods are the calls that cost the daemon the most of their kind.
func (b *box) floods(flags dbus.Flags) map[string][]byte {
	return map[string][]byte{
		"headers":    b.request(names.Bus, names.Credentials+".GetAuthHeaders", flags),
		"property":   b.request(names.Bus, propertiesInterface+".Get", flags, names.Main, "State"),
		"properties": b.request(names.Bus, propertiesInterface+".GetAll", flags, names.Main),
		"introspect": b.request(names.Bus, "org.freedesktop.DBus.Introspectable.Introspect", flags),
		"picture":    b.request(names.Bus, names.Main+".GetPinQR", flags, "png", uint32(32)),
		"ping":       b.request(names.Bus, "org.freedesktop.DBus.Peer.Ping", flags),
		"unknown":    b.request(names.Bus, names.Main+".Unknown", flags),
		"plex":       b.request(names.Bus, names.Main+".Validate", flags),
		"arguments":  b.request(names.Bus, names.Credentials+".ValidateToken", flags, strings.Repeat("x", 8000)),
		"too long":   b.request(names.Bus, names.Credentials+".ValidateToken", flags, strings.Repeat("x", 64<<10)),
	}
}

// TestFloods sends calls of every kind as fast as a bus with its usual limits
// takes them, without reading the answers or without wanting any, for as long as
// it takes to see how others fare.
func TestFloods(t *testing.T) {
	b, p, f := floodBox(t, bustest.Session(t))
	f.RequestPin() // so that there is a picture to draw
	b.Sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Hour})
	before := p.Memory("Rss:")
	for _, flags := range []dbus.Flags{0, dbus.FlagNoReplyExpected} {
		kinds := b.floods(flags)
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			flooder, bystander := b.flooder(), b.bystander()
			bytes := 0
			for bytes < 1<<20 || bystander.answers.Load() < 20 {
				flooder.flood(kinds[kind], 1+64<<10/len(kinds[kind]))
				bytes += 64 << 10
			}
			checkMemory(p, fmt.Sprintf("%s, flags %d, %d MiB, bystander %v", kind, flags, bytes>>20, bystander.wait()))
			_ = flooder.socket.Close()
		}
	}
	b.checkDrained(p, before)
}

// TestUnreadAnswers sends 100,000 calls on a bus that takes them all, and reads
// the answers only afterwards.
func TestUnreadAnswers(t *testing.T) {
	b, p, _ := floodBox(t, bustest.Roomy(t))
	before := p.Memory("Rss:")
	kinds := b.floods(0)
	for kind, calls := range map[string]int{"ping": 100_000, "property": 20_000, "headers": 10_000, "unknown": 10_000, "introspect": 1000} {
		flooder, bystander := b.flooder(), b.bystander()
		flooder.flood(kinds[kind], calls)
		bystander.settle()
		if answers := flooder.answers(calls); answers[""]+answers[limitsExceeded]+answers[unknownMethod] != calls {
			t.Errorf("%s: answers %v", kind, answers)
		} else if answers[limitsExceeded] > 0 && kind != "introspect" {
			t.Errorf("%s: %v, though these are answered at once", kind, answers)
		}
		checkMemory(p, fmt.Sprintf("%s, bystander %v", kind, bystander.wait()))
	}
	b.checkDrained(p, before)
}

// TestPropertyStorm changes a property again and again while subscribers read
// nothing and somebody asks for all properties all the time.
func TestPropertyStorm(t *testing.T) {
	b, p, f := floodBox(t, bustest.Roomy(t))
	before := p.Memory("Rss:")
	const subscribers, changes = 200, 500
	all := make([]*flooder, subscribers)
	for i := range all {
		all[i] = b.flooder()
		all[i].subscribe()
	}
	asking, bystander := b.flooder(), b.bystander()
	getAll := b.request(names.Bus, propertiesInterface+".GetAll", 0, names.Main)
	for n := range changes {
		if err := f.Call("Credentials.SelectServer", fmt.Sprint("machine-", n), "https://10.0.0.2:32400").Err; err != nil {
			t.Fatal(err)
		}
		asking.flood(getAll, 20)
	}
	if answers := asking.answers(20 * changes); answers[""] != 20*changes {
		t.Errorf("answers %v", answers)
	}
	checkMemory(p, fmt.Sprintf("%d changes, %d subscribers, bystander %v", changes, subscribers, bystander.wait()))
	last := b.request(names.Bus, "org.freedesktop.DBus.Peer.Ping", 0)
	for _, subscriber := range all {
		subscriber.flood(last, 1)
		if failed := subscriber.answer(); failed != "" || subscriber.signals != changes {
			t.Fatalf("a subscriber has %d signals, and then %q", subscriber.signals, failed)
		}
		_ = subscriber.socket.Close()
	}
	b.checkDrained(p, before)
}

// TestAThousandConnections has all of them call before any reads.
func TestAThousandConnections(t *testing.T) {
	b, p, _ := floodBox(t, bustest.Roomy(t))
	before := p.Memory("Rss:")
	kinds := b.floods(0)
	flooders := make([]*flooder, 1000)
	for i := range flooders {
		flooders[i] = b.flooder()
	}
	bystander := b.bystander()
	for _, kind := range []string{"headers", "properties", "plex"} {
		for _, f := range flooders {
			f.flood(kinds[kind], 1)
		}
		for _, f := range flooders {
			if failed := f.answer(); failed != "" {
				t.Errorf("%s: %s", kind, failed)
			}
		}
		// Behind a thousand calls the bus itself takes its time, and there are
		// three such moments: what follows counts as well.
		bystander.settle()
		checkMemory(p, kind)
	}
	t.Logf("a bystander waits %v", bystander.wait())
	for _, f := range flooders {
		_ = f.socket.Close()
	}
	b.checkDrained(p, before)
}

// TestSlowCallsAreBounded has more calls wait for plex.tv than the daemon takes.
func TestSlowCallsAreBounded(t *testing.T) {
	b, p, _ := floodBox(t, bustest.Roomy(t))
	before := p.Memory("Rss:")
	b.Sim.Fail(plextvsim.Fault{Delay: time.Hour})
	flooders := make([]*flooder, 9)
	for i := range flooders {
		f := b.flooder()
		flooders[i] = f
		f.flood(b.request(names.Bus, names.Credentials+".ValidateToken", 0, fmt.Sprintf("token-%d", i)), 150)
		if answers := f.answers(150 - 128); answers[limitsExceeded] != 150-128 {
			t.Errorf("caller %d: answers %v", i, answers)
		}
		checkMemory(p, fmt.Sprintf("%d callers wait for plex.tv", i+1))
	}
	f := b.flooder()
	f.flood(b.request(names.Bus, names.Main+".Validate", 0), 1)
	if failed := f.answer(); failed != limitsExceeded {
		t.Errorf("with all places taken a call was answered with %q", failed)
	}
	if f.flood(b.request(names.Bus, names.Credentials+".GetToken", 0), 1); f.answer() != "" {
		t.Error("with all places taken there is no token either")
	}
	for _, waiting := range flooders {
		_ = waiting.socket.Close()
	}
	b.checkDrained(p, before)
}

// checkDrained wants the memory back without another call, and everything served.
func (b *box) checkDrained(p *daemontest.Process, before float64) {
	b.Helper()
	b.Sim.Clear()
	gone := time.After(daemontest.Patience)
	for after := p.Memory("Rss:"); after > before+6; after = p.Memory("Rss:") {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-gone:
			b.Fatalf("%.1f MiB before the flood, %.1f after", before, after)
		}
	}
	f := b.flooder()
	for f.flood(b.request(names.Bus, names.Main+".Validate", 0), 1); f.answer() != ""; {
		f.flood(b.request(names.Bus, names.Main+".Validate", 0), 1) // until places are free again
	}
	for kind, request := range b.floods(0) {
		if f.flood(request, 1); f.answer() == limitsExceeded {
			b.Errorf("%s is still refused", kind)
		}
	}
}
