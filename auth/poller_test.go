// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// longestPause is more than any pause between two questions that plex.tv does
// not ask for, limitedPause more than one after a 429 that names none.
const (
	longestPause = 7 * interval
	limitedPause = 75 * interval
)

func TestPollsOnceAnIntervalUntilClaimed(t *testing.T) {
	b := newBox(t)
	alice := b.sim.AddUser(plextvsim.User{Username: "alice"})
	p := b.pair(auth.PinOptions{})
	for n := 1; n <= 3; n++ {
		b.tick(interval)
		b.answered(n, plextvsim.CheckPin)
	}
	b.idle()
	b.unread()
	b.must(b.sim.Claim(p.Code, alice))
	b.tick(interval) // and no more
	e := b.await(ended)
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinClaimed})
	if e.Auth == nil || *e.Auth != (auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn}) {
		t.Errorf("auth change %v in the same event", e.Auth)
	}
	equal(t, "state", e.Snapshot.State, auth.SignedIn)
	equal(t, "pairing", e.Snapshot.Pairing, auth.Pairing{})
	equal(t, "user", e.Snapshot.User.Username, "alice")

	b.clock.Advance(timeout)
	got := b.asked(plextvsim.CheckPin)
	if want := []time.Duration{1 * interval, 2 * interval, 3 * interval, 4 * interval}; !slices.Equal(got, want) {
		t.Errorf("asked about the PIN at %v, want %v", got, want)
	}
}

func TestTokenIsOnDiskBeforeTheEvent(t *testing.T) {
	b := newBox(t)
	disk := make(chan string, 1)
	defer b.subscribe(func(e auth.Event) {
		if authChanged(e) {
			disk <- string(b.file())
		}
	})()
	b.must(b.sim.Claim(b.pair(auth.PinOptions{}).Code, ""))
	b.tick(interval)
	at := receive(t, disk)
	token := b.account.Snapshot().Credentials.Token.Reveal()
	if !strings.Contains(at, "token = \""+token+"\"") || !strings.Contains(at, "[retune_plex_auth.token]") {
		t.Error("the token was not on disk when the event came")
	}
}

// gaps lets time pass in steps until the PIN has been asked about n times more,
// and gives the times between.
func (b *box) gaps(n int) (gaps []time.Duration) {
	b.Helper()
	before := len(b.asked(plextvsim.CheckPin))
	for len(b.asked(plextvsim.CheckPin)) < before+n {
		b.tick(interval / 20)
		b.idle()
	}
	times := b.asked(plextvsim.CheckPin)
	for i := before; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	return gaps
}

func TestFailuresStretchThePauses(t *testing.T) {
	b := newBox(t)
	b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Status: 500, Times: 9})
	b.tick(interval)
	b.answered(1, plextvsim.CheckPin)
	want := float64(interval)
	for i, gap := range b.gaps(8) {
		// A fifth of jitter, and the step by which the clock moves.
		if low, high := 0.8*want, 1.2*want+float64(interval/20); float64(gap) < low || float64(gap) > high {
			t.Errorf("pause %d is %v, want between %v and %v", i, gap, time.Duration(low), time.Duration(high))
		}
		want = min(1.5*want, float64(5*interval))
	}
	b.gaps(1)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Status: 500, Times: 1})
	equal(t, "pause after a success", b.gaps(1)[0], interval)
	if gap := b.gaps(1)[0]; gap > 5*interval/4 {
		t.Errorf("pause after the next failure is %v: the success is forgotten", gap)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, test := range map[string]struct {
		fault     plextvsim.Fault
		low, high time.Duration
	}{
		"429 that names a time": {plextvsim.Fault{Status: 429, RetryAfter: "7"}, 7 * interval, 7 * interval},
		"429 that names none":   {plextvsim.Fault{Status: 429}, 8 * interval, 12*interval + interval/20},
		"503 that names a time": {plextvsim.Fault{Status: 503, RetryAfter: "7"}, 7 * interval, 7 * interval},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.pair(auth.PinOptions{})
			test.fault.Endpoint, test.fault.Times = plextvsim.CheckPin, 1
			b.sim.Fail(test.fault)
			b.tick(interval)
			b.answered(1, plextvsim.CheckPin)
			b.idle()
			if gap := b.gaps(1)[0]; gap < test.low || gap > test.high {
				t.Errorf("asked again after %v, want %v to %v", gap, test.low, test.high)
			}
		})
	}
}

// Nor does it keep a claim from being noticed: plex.tv is asked about a PIN after a
// minute whatever it says.
func TestALongRetryAfterDoesNotOutliveThePairing(t *testing.T) {
	b := newBox(t)
	b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Status: 429, RetryAfter: "3600"})
	b.tick(interval)
	b.tick(timeout - interval)
	b.tick(65 * time.Second) // the wait for a last word
	equal(t, "end", b.await(ended).PinEnd.Result, auth.PinTimedOut)
	if asked := b.asked(plextvsim.CheckPin); len(asked) < 2 || len(asked) > int(timeout/time.Minute)+2 {
		t.Errorf("asked at %v", asked)
	}
}

func TestAClaimIsNoticedThoughTheLastQuestionHadNoAnswer(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"429":   {Status: 429, RetryAfter: "30"},
		"reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{})
			b.tick(timeout - interval)
			fault.Endpoint = plextvsim.CheckPin
			b.sim.Fail(fault)
			b.must(b.sim.Claim(p.Code, ""))
			b.tick(interval)
			b.idle()
			b.sim.Clear()
			b.tick(30 * time.Second)
			equal(t, "end", b.await(ended).PinEnd.Result, auth.PinClaimed)
		})
	}
}

func TestPlexTvEndsAPairing(t *testing.T) {
	gone := `{"errors":[{"code":1020,"message":"Code not found or expired"}]}`
	for name, end := range map[string]func(*box, auth.Pairing){
		"404": func(b *box, p auth.Pairing) { b.must(b.sim.ExpirePin(p.Code)) },
		"410": func(b *box, _ auth.Pairing) { b.sim.Fail(plextvsim.Fault{Status: 410, Body: gone}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{})
			b.unread()
			end(b, p)
			b.tick(interval)
			e := b.next()
			equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
			equal(t, "state", e.Snapshot.State, auth.SignedOut)
			if b.disk().Pairing != nil {
				t.Error("the pairing is still on disk")
			}
		})
	}
}

func TestPairingEndsAtItsDeadline(t *testing.T) {
	for name, claim := range map[string]bool{"unclaimed": false, "claimed at the last moment": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, func(s *setup) { s.auth.Settings.PollInterval = 2 * time.Minute })
			p := b.pair(auth.PinOptions{})
			b.tick(2 * time.Minute)
			b.answered(1, plextvsim.CheckPin)
			b.tick(2 * time.Minute)
			b.answered(2, plextvsim.CheckPin)
			b.tick(time.Minute - time.Second)
			b.unread()
			equal(t, "pairing a second before", b.account.Snapshot().Pairing, p)
			want := auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut}
			if claim {
				b.must(b.sim.Claim(p.Code, ""))
				want.Result = auth.PinClaimed
			}
			b.clock.Advance(time.Second)
			equal(t, "end", *b.await(ended).PinEnd, want)
			if got := b.asked(plextvsim.CheckPin); len(got) != 3 || got[2] != timeout {
				t.Errorf("asked about the PIN at %v, want the last time at %v", got, timeout)
			}
		})
	}
}

func TestSignsInWithoutAName(t *testing.T) {
	for name, test := range map[string]struct {
		fault   plextvsim.Fault
		waiters int           // plex.tv's delay counts
		limit   time.Duration // after which the name is not waited for
		pause   time.Duration // that plex.tv asks for
		setup   []func(*setup)
	}{
		"plex.tv fails": {fault: plextvsim.Fault{Status: 503, RetryAfter: "60"}, pause: time.Minute},
		"plex.tv hangs": {fault: plextvsim.Fault{Delay: time.Hour}, waiters: 2, limit: 5 * time.Second, setup: []func(*setup){withLimits}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, test.setup...)
			b.sim.AddUser(plextvsim.User{Username: "alice"})
			b.must(b.sim.Claim(b.pair(auth.PinOptions{}).Code, ""))
			test.fault.Endpoint, test.fault.Times = plextvsim.GetUser, 1
			b.sim.Fail(test.fault)
			b.tick(interval)
			b.must(b.sim.Await(b.soon(), 1, plextvsim.GetUser))
			b.must(b.clock.BlockUntilContext(b.soon(), test.waiters))
			b.clock.Advance(test.limit)
			e := b.await(authChanged)
			equal(t, "state", e.Snapshot.State, auth.SignedIn)
			equal(t, "user", *e.Snapshot.User, auth.User{})

			if test.pause > 0 {
				b.await(func(e auth.Event) bool { return e.Snapshot.PlexProblem != "" })
				b.tick(test.pause)
			}
			e = b.await(named)
			equal(t, "user", e.Snapshot.User.Username, "alice")
			equal(t, "user on disk", b.disk().Auth.Username, "alice")
			if e.Auth != nil {
				t.Errorf("the name came with %v: nobody has signed in", e.Auth)
			}
		})
	}
}
