// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// change makes a change that asks neither plex.tv nor the disk, and that an
// event shows as the number.
func (b *box) change(number int) {
	b.Helper()
	settings := b.options.Settings
	settings.Identity.Version = fmt.Sprint(number)
	b.must(b.account.Configure(b.soon(), settings))
}

// subscribe is [auth.Account.Subscribe] without settle.
func (b *box) subscribe(handle func(auth.Event)) (cancel func()) {
	_, cancel = b.account.Subscribe(handle)
	return cancel
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
	defer b.subscribe(func(auth.Event) {
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
	defer b.subscribe(func(e auth.Event) {
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
		defer b.subscribe(func(e auth.Event) {
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

// TestABlockedSubscriberLosesNothing blocks one over many changes. Afterwards it hears
// every sign-in and sign-out in its place, and of the rest less, but the newest.
func TestABlockedSubscriberLosesNothing(t *testing.T) {
	const rounds, each = 8, 40
	b := newBox(t)
	blocked, release := make(chan struct{}), make(chan struct{})
	block := sync.OnceFunc(func() {
		close(blocked)
		<-release
	})
	got := make(chan auth.Event, rounds*(each+2)+1)
	defer b.subscribe(func(e auth.Event) {
		block()
		got <- e
	})()
	receive(t, blocked)
	var want, heard []string
	token := b.sim.AddUser(plextvsim.User{ID: 1})
	for round := range rounds {
		for n := range each {
			b.change(round*each + n)
			b.next() // another keeps up
		}
		b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(token), UserID: "1", Username: "alice"}))
		b.must(b.account.Clear(b.soon()))
		last := round*each + each - 1
		want = append(want, fmt.Sprint(last, " signed-in"), fmt.Sprint(last, " signed-out"))
	}
	close(release)
	receive(t, got) // the one that it was blocked in
	events, number := 0, -1
	for len(heard) < len(want) {
		e := receive(t, got)
		if n := numberOf(e); n < number {
			t.Errorf("event %d came after %d", n, number)
		} else if events, number = events+1, n; e.Auth != nil {
			heard = append(heard, fmt.Sprint(n, " ", e.Auth.Reason))
		}
	}
	equal(t, "sign-ins and sign-outs", strings.Join(heard, ", "), strings.Join(want, ", "))
	if most := 256 + 3*rounds; events > most {
		t.Errorf("%d events waited, more than %d", events, most)
	}
}

func TestSettleWaitsForWhatHasChanged(t *testing.T) {
	b := newBox(t)
	entered, release := make(chan int), make(chan struct{})
	settle, cancel := b.account.Subscribe(func(e auth.Event) {
		entered <- numberOf(e)
		<-release
	})
	defer cancel()
	settled := make(chan error)
	wait := func(ctx context.Context) { settle(ctx); settled <- ctx.Err() }
	receive(t, entered)
	b.change(1)
	go wait(context.Background())
	release <- struct{}{}
	equal(t, "event", receive(t, entered), 1)
	select {
	case <-settled:
		t.Error("settled while the change was being handled")
	default:
	}
	close(release)
	receive(t, settled)
	go wait(context.Background()) // with nothing to wait for
	receive(t, settled)
}

func TestSettleEndsWithTheSubscription(t *testing.T) {
	b := newBox(t)
	entered, release := make(chan int), make(chan struct{})
	defer close(release)
	settle, cancel := b.account.Subscribe(func(e auth.Event) {
		entered <- numberOf(e)
		<-release
	})
	receive(t, entered)
	settled := make(chan struct{})
	go func() { settle(context.Background()); settled <- struct{}{} }()
	ended, end := context.WithCancel(t.Context())
	end()
	settle(ended) // the caller may give up
	cancel()
	receive(t, settled)
}

func TestNothingComesAfterCancelling(t *testing.T) {
	b := newBox(t)
	others := goleak.IgnoreCurrent()
	blocked, release := make(chan int), make(chan struct{})
	var late atomic.Int32
	cancel := b.subscribe(func(e auth.Event) {
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
