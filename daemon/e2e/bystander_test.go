// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// bystander is somebody who calls again and again during a flood.
type bystander struct {
	*flooder
	request []byte
	answers atomic.Int64
	stopped chan struct{}
	times   chan []time.Duration // from each call to its answer
}

func (b *box) bystander() *bystander {
	by := &bystander{
		flooder: b.flooder(), request: b.request(names.Bus, names.Credentials+".GetAuthHeaders", 0),
		stopped: make(chan struct{}), times: make(chan []time.Duration),
	}
	go by.callAgainAndAgain()
	return by
}

func (by *bystander) callAgainAndAgain() {
	var times []time.Duration
	for {
		began := time.Now()
		by.flood(by.request, 1)
		if failed := by.answer(); failed != "" {
			by.b.Errorf("a bystander was answered %s", failed)
		}
		times = append(times, time.Since(began))
		by.answers.Add(1)
		select {
		case <-by.stopped:
			by.times <- times
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// settle returns when some calls have been answered.
func (by *bystander) settle() {
	for enough := by.answers.Load() + 20; by.answers.Load() < enough; {
		<-time.After(time.Millisecond)
	}
}

// wait stops the calls and gives the median time to an answer.
func (by *bystander) wait() time.Duration {
	by.b.Helper()
	close(by.stopped)
	times := <-by.times
	slices.Sort(times)
	wait := times[len(times)/2]
	if wait > waitLimit {
		by.b.Errorf("a bystander waits %v", wait)
	}
	_ = by.socket.Close()
	return wait
}
