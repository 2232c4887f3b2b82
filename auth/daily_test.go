// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// newDailyBox is a signed-in box that asks about its token every day.
func newDailyBox(t *testing.T) *box {
	t.Helper()
	b := newBox(t, func(s *setup) { s.auth.CheckEvery = 0 })
	b.signIn(plextvsim.User{})
	b.unread()
	return b
}

// days lets n days pass, hour by hour, and gives how often plex.tv was asked
// about the token.
func (b *box) days(n int) (asked int) {
	b.Helper()
	before := len(b.asked(plextvsim.GetUser))
	for range n * 24 {
		b.tick(time.Hour)
	}
	b.idle()
	return len(b.asked(plextvsim.GetUser)) - before
}

func TestATokenInUseIsAskedAboutEveryDay(t *testing.T) {
	b := newDailyBox(t)
	if asked := b.days(10); asked < 10 || asked > 15 {
		t.Errorf("asked %d times in 10 days", asked)
	}
	equal(t, "changes", len(b.unread()), 0)
}

func TestARevokedTokenIsNoticedWithinADay(t *testing.T) {
	b := newDailyBox(t)
	b.must(b.sim.Revoke(b.account.Snapshot().Credentials.Token.Reveal()))
	b.tick(24 * time.Hour)
	e := b.wind(askAgain, authChanged)
	equal(t, "reason", e.Auth.Reason, auth.ReasonRevoked)
}

func TestATokenThatIsGoodAgainIsAskedAboutEveryDay(t *testing.T) {
	b := newDailyBox(t)
	token := b.account.Snapshot().Credentials.Token.Reveal()
	b.expire(token)
	b.must(b.sim.Refuse(token, 0))
	b.validate(true)
	before := len(b.asked(plextvsim.GetUser))
	b.tick(24 * time.Hour)
	b.answered(before+1, plextvsim.GetUser)
}

func TestTheDailyQuestionIsRepeatedUntilPlexTvAnswers(t *testing.T) {
	b := newDailyBox(t)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: 404})
	if asked := b.days(2); asked < 3 {
		t.Errorf("asked %d times in 2 days without an answer", asked)
	}
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	b.sim.Clear()
	b.tick(time.Hour)
	b.idle()
	if asked := b.days(3); asked < 2 || asked > 6 {
		t.Errorf("asked %d times in 3 days after an answer", asked)
	}
}

func TestNothingIsAskedAfterASignOut(t *testing.T) {
	b := newDailyBox(t)
	b.must(b.account.Clear(b.soon()))
	before := len(b.asked(plextvsim.GetUser))
	for range 3 * 24 {
		b.clock.Advance(time.Hour)
	}
	equal(t, "questions", len(b.asked(plextvsim.GetUser))-before, 0)
}
