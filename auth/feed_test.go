// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/retune-tv/plexauthd/auth"
)

// change makes a change that asks neither plex.tv nor the disk, and that an
// event shows as the number.
func (b *box) change(number int) {
	b.Helper()
	settings := b.options.Settings
	settings.Identity.Version = fmt.Sprint(number)
	b.must(b.account.Configure(b.soon(), settings))
}

func numberOf(e auth.Event) (number int) {
	_, _ = fmt.Sscan(e.Snapshot.Headers["X-Plex-Version"], &number)
	return number
}

func TestOneSubscriberDoesNotDisturbAnother(t *testing.T) {
	b := newBox(t)
	release := make(chan struct{})
	blocked := make(chan struct{}, 1)
	defer close(release)
	defer b.account.Subscribe(func(auth.Event) {
		select {
		case blocked <- struct{}{}:
		default:
		}
		<-release
	})()
	receive(t, blocked)
	b.change(0)
	secretly := fmt.Errorf("%v", b.account.Snapshot().Headers) // what a careless subscriber might throw
	panicked := make(chan int, 10)
	defer b.account.Subscribe(func(e auth.Event) {
		panicked <- numberOf(e)
		panic(secretly)
	})()
	for n := 1; n <= 5; n++ {
		b.change(n)
	}
	for n := 0; n <= 5; n++ {
		equal(t, "event of the one that panics", receive(t, panicked), n)
	}
	for n := 0; n <= 5; n++ {
		equal(t, "event of another", numberOf(b.next()), n)
	}
	b.close() // logs nothing after this
	if log := b.log.String(); !strings.Contains(log, "a subscriber panicked") || strings.Contains(log, b.disk().ClientID) {
		t.Errorf("log of the panic: %s", log)
	}
}

func TestEventsComeInOrderAndWithoutAGap(t *testing.T) {
	const changes, subscribers = 200, 8
	b := newBox(t)
	var done sync.WaitGroup
	for s := range subscribers {
		last, first := 0, true
		done.Add(1)
		b.change(1 + s*changes/subscribers)
		defer b.account.Subscribe(func(e auth.Event) {
			n := numberOf(e)
			if !first && n != last+1 {
				t.Errorf("event %d came after %d", n, last)
			}
			if last, first = n, false; n == changes {
				done.Done()
			}
		})()
		for n := 2 + s*changes/subscribers; n <= (s+1)*changes/subscribers; n++ {
			b.change(n)
		}
	}
	done.Wait()
}

func TestABlockedSubscriberLosesItsOldestEvents(t *testing.T) {
	const changes, kept = 300, 256
	b := newBox(t)
	blocked, release := make(chan struct{}), make(chan struct{})
	block := sync.OnceFunc(func() {
		close(blocked)
		<-release
	})
	got := make(chan int, changes+1)
	defer b.account.Subscribe(func(e auth.Event) {
		block()
		got <- numberOf(e)
	})()
	receive(t, blocked)
	for n := 1; n <= changes; n++ {
		b.change(n)
		b.next() // another keeps up
	}
	close(release)
	receive(t, got) // the one that it was blocked in
	for n := changes - kept + 1; n <= changes; n++ {
		equal(t, "event", receive(t, got), n)
	}
	equal(t, "warnings", strings.Count(b.log.String(), "the oldest events are dropped"), 1)
}

func TestNothingComesAfterCancelling(t *testing.T) {
	b := newBox(t)
	others := goleak.IgnoreCurrent()
	blocked, release := make(chan int), make(chan struct{})
	var late atomic.Int32
	cancel := b.account.Subscribe(func(e auth.Event) {
		if n := numberOf(e); n <= 1 {
			blocked <- n
			<-release
			return
		}
		late.Add(1)
	})
	b.change(0)
	receive(t, blocked)
	for n := 1; n <= 50; n++ {
		b.change(n)
	}
	release <- struct{}{}
	for receive(t, blocked) == 0 {
		release <- struct{}{}
	}
	cancel()
	cancel() // harmless
	release <- struct{}{}
	goleak.VerifyNone(t, others) // the subscription's goroutine has ended
	equal(t, "events after cancelling", late.Load(), 0)
}
