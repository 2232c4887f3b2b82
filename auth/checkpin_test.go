// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// check asks about the pairing in the background.
func (b *box) check(p auth.Pairing) <-chan error {
	done := make(chan error, 1)
	go func() {
		claimed, expires, err := b.account.CheckPin(b.soon(), p.ID)
		if claimed || !expires.Equal(p.ExpiresAt) {
			b.Errorf("CheckPin: claimed %v, expires at %v; want false, %v", claimed, expires, p.ExpiresAt)
		}
		done <- err
	}()
	return done
}

func TestCheckPinNoticesAClaimAtOnce(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{})
	b.must(<-b.check(p))
	b.must(b.sim.Claim(p.Code, ""))
	b.idle()
	b.clock.Advance(interval) // plex.tv gets no more than a question a second
	claimed, expires, err := b.account.CheckPin(b.soon(), p.ID)
	if !claimed || err != nil || !expires.Equal(p.ExpiresAt) {
		t.Fatalf("CheckPin: claimed %v, expires at %v, error %v", claimed, expires, err)
	}
	if b.disk().Auth == nil {
		t.Error("claimed, but the credentials are not stored")
	}
	claimed, expires, err = b.account.CheckPin(b.soon(), p.ID)
	if !claimed || err != nil || !expires.Equal(p.ExpiresAt) {
		t.Errorf("later CheckPin: claimed %v, expires at %v, error %v", claimed, expires, err)
	}
	equal(t, "questions", len(b.asked(plextvsim.CheckPin)), 2)
}

func TestCheckPinOfAPairingThatIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*box, auth.Pairing)
		code auth.Code
	}{
		"cancelled": {func(b *box, p auth.Pairing) { b.must(b.account.CancelPin(b.soon(), p.ID)) }, auth.NotFound},
		"replaced":  {func(b *box, _ auth.Pairing) { b.pair(auth.PinOptions{Force: true}) }, auth.NotFound},
		"ended by plex.tv": {func(b *box, p auth.Pairing) {
			b.must(b.sim.ExpirePin(p.Code))
			b.tick(interval)
		}, auth.PinExpired},
		"out of time": {func(b *box, p auth.Pairing) { b.tick(timeout) }, auth.PinExpired},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{})
			test.end(b, p)
			b.await(ended)
			before := len(b.asked(plextvsim.CheckPin))
			claimed, _, err := b.account.CheckPin(b.soon(), p.ID)
			equal(t, "claimed", claimed, false)
			wantCode(t, "CheckPin", err, test.code)
			_, _, err = b.account.CheckPin(b.soon(), p.ID+1)
			wantCode(t, "CheckPin of another", err, auth.NotFound)
			equal(t, "questions", len(b.asked(plextvsim.CheckPin))-before, 0)
		})
	}
}

func TestCheckPinHearsThatThePinIsGone(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{})
	b.must(b.sim.ExpirePin(p.Code))
	_, _, err := b.account.CheckPin(b.soon(), p.ID)
	wantCode(t, "CheckPin", err, auth.PinExpired)
	equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
}

func TestCheckPinLeavesPlexTvAloneWhenAskedTo(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"429": {Status: 429, RetryAfter: "7", Times: 1},
		"503": {Status: 503, RetryAfter: "7", Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{})
			b.sim.Fail(fault)
			first := <-b.check(p)
			for range 6 {
				b.tick(interval)
				wantCode(t, "CheckPin while it lasts", <-b.check(p), auth.CodeOf(first))
			}
			equal(t, "questions while it lasts", len(b.asked(plextvsim.CheckPin)), 1)
			b.tick(interval)
			b.answered(2, plextvsim.CheckPin)
		})
	}
}

func TestCallersGetAtMostFourQuestionsInAnInterval(t *testing.T) {
	const short, questions = 100 * time.Millisecond, 21
	b := newBox(t, func(s *setup) {
		s.sim.Clock, s.plex.Clock, s.auth.Clock = nil, nil, nil
		s.auth.Settings.PollInterval = short
	})
	p := b.pair(auth.PinOptions{})
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	start := time.Now()
	callers := make(chan struct{})
	for range 4 {
		go func() {
			for ctx.Err() == nil {
				_, _, _ = b.account.CheckPin(ctx, p.ID)
			}
			callers <- struct{}{}
		}()
	}
	b.answered(questions, plextvsim.CheckPin)
	if took := time.Since(start); took < (questions-1)*short/4 {
		t.Errorf("%d questions in %v, want %v or more", questions, took, (questions-1)*short/4)
	}
	stop()
	for range 4 {
		<-callers
	}
}

func TestCheckPinEndsWithItsCaller(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Delay: 3 * time.Second, Times: 1})
	ctx, leave := context.WithCancel(b.soon())
	done := make(chan error, 2)
	for range 2 { // one whose question is on its way, one who waits for it to end
		go func() {
			_, _, err := b.account.CheckPin(ctx, p.ID)
			done <- err
		}()
	}
	b.must(b.sim.Await(b.soon(), 1, plextvsim.CheckPin))
	leave()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("CheckPin: %v", err)
		}
	}
	// The poller continues, even if the caller has left.
	b.must(b.sim.Claim(p.Code, ""))
	b.tick(3 * time.Second)
	equal(t, "end", b.await(ended).PinEnd.Result, auth.PinClaimed)
}
