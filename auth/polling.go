// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

func newPoller(pairings *pairings, r *record, pairing *statefile.Pairing, stop context.CancelFunc) *poller {
	interval := r.settings.PollInterval
	p := &poller{
		pairings: pairings, pairing: pairing, device: r.deviceOf(pairing), settings: r.settings,
		checks: make(chan check), stop: stop, over: make(chan struct{}), token: pairing.Token,
		failures: &backoff.ExponentialBackOff{
			InitialInterval: interval, MaxInterval: 5 * interval, Multiplier: 1.5, RandomizationFactor: 0.2,
		},
	}
	// A clock that was set while the daemon was not running must not extend it.
	left := min(max(0, pairing.ExpiresAt.Sub(p.wallTime())), r.settings.PairingTimeout)
	p.deadline, p.lastAsked = p.uptime()+left, p.uptime()-interval
	p.plexEnd = p.deadline + longestPin
	if end := pairing.PlexExpiresAt; !end.IsZero() {
		p.plexEnd = min(p.plexEnd, p.uptime()+max(0, end.Sub(p.wallTime())))
	}
	if r.Pairing != pairing { // given up
		p.deadline = p.uptime()
		close(p.over)
	}
	p.failures.Reset()
	p.timer = p.clock.NewTimer(p.firstPause())
	return p
}

// check is a caller that wants an answer.
type check struct {
	reply  chan<- error
	urgent bool
}

// check asks plex.tv about the PIN soon, or at once if that is urgent, and waits for
// the answer.
func (p *poller) check(ctx context.Context, urgent bool) error {
	reply := make(chan error, 1)
	for ask := p.checks; ; {
		select {
		case ask <- check{reply, urgent}:
			ask = nil // once
		case err := <-reply:
			return err
		case <-p.over:
			return nil
		case <-p.life.Done():
			return p.life.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *poller) run(ctx context.Context) {
	defer p.timer.Stop()
	var waiting []chan<- error
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.checks:
			if err := p.paused(); err != nil {
				c.reply <- err
				continue
			}
			waiting = append(waiting, c.reply)
			if c.urgent {
				p.timer.Reset(0)
				continue
			}
			// Callers that ask again and again get an answer each, but plex.tv
			// gets no more than a question a second.
			p.timer.Reset(p.until(p.lastAsked + min(p.settings.PollInterval, time.Second)))
			continue
		case <-p.timer.Chan():
		}
		err := p.poll(ctx)
		if ctx.Err() == nil { // nobody waits for a poller that has ended
			p.timer.Reset(p.pause(err))
		}
		for _, reply := range waiting {
			reply <- err
		}
		waiting = nil
	}
}

// firstPause is how long to wait before the first question.
func (p *poller) firstPause() time.Duration {
	if p.isOver() {
		return p.settings.PollInterval
	}
	return min(p.settings.PollInterval, p.deadline-p.uptime())
}

// pause is how long to wait after an answer. Failures extend the pause and never
// end the pairing: whoever has the code may still claim it.
func (p *poller) pause(err error) time.Duration {
	if p.isOver() {
		return p.watchPause()
	}
	if err == nil {
		p.failures.Reset()
		return p.until(p.lastAsked + p.settings.PollInterval)
	}
	if p.paused() != nil {
		return p.until(p.pauseUntil)
	}
	wait := p.failures.NextBackOff()
	if after := retryAfter(err); after > 0 {
		wait = after
		p.pauseUntil, p.pauseErr = p.uptime()+wait, err
	}
	return p.until(p.uptime() + wait)
}

// watchPause is how long to wait between two questions about a pairing that was given
// up: the last one is just before plex.tv ends the PIN, and one after it tells.
func (p *poller) watchPause() time.Duration {
	now := p.uptime()
	for _, end := range []time.Duration{p.plexEnd - lastLook, p.plexEnd} {
		if now < end {
			return min(watchInterval, end-now)
		}
	}
	if now < p.plexEnd+offlineWatchInterval {
		return watchInterval
	}
	return offlineWatchInterval
}

// until is the time from now to t or to the end, whichever comes first: the
// deadline, and after it the end of the wait for a last answer.
func (p *poller) until(t time.Duration) time.Duration {
	end := p.deadline
	if p.uptime() >= end {
		end = p.end()
	}
	return max(0, min(t, end)-p.uptime())
}
