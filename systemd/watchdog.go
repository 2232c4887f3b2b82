// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/timelimit"
)

// Watch keeps the watchdog of the service manager satisfied until ctx ends, if
// WATCHDOG_USEC and WATCHDOG_PID ask this process for it; else it returns at
// once. Every half of the watchdog interval, as sd_watchdog_enabled(3)
// recommends, it asks alive and sends a ping only if alive returns nil within
// a quarter of the interval. The context of alive ends with that quarter; an
// alive that ignores it is left behind and counts as silent. The first
// missing ping and the first one after it are logged, those between are not.
func (n *Notifier) Watch(ctx context.Context, clock clockwork.Clock, alive func(context.Context) error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("no watchdog: WATCHDOG_USEC or WATCHDOG_PID is invalid", "error", err)
	}
	if interval <= 0 {
		return
	}
	ticker := clock.NewTicker(interval / 2)
	defer ticker.Stop()
	pinging := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
		err := ask(ctx, clock, interval/4, alive)
		if ctx.Err() != nil {
			return
		}
		pinging = n.ping(err, pinging)
	}
}

// ping pings unless err says that the daemon is stuck, logs if that differs
// from before, and reports whether it pinged.
func (n *Notifier) ping(err error, before bool) bool {
	if err != nil {
		if before {
			n.log.Error("the daemon is stuck: watchdog pings stop", "message_id", MessageStuck, "error", err)
		}
		return false
	}
	if !before {
		n.log.Info("the daemon answers again: watchdog pings resume")
	}
	n.Watchdog()
	return true
}

// ask calls alive and returns its answer, or an error when limit has passed.
func ask(ctx context.Context, clock clockwork.Clock, limit time.Duration, alive func(context.Context) error) error {
	ctx, cancel := timelimit.With(ctx, clock, limit)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- alive(ctx) }()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
	}
	// When both are there, the answer came too late.
	select {
	case <-ctx.Done():
		return fmt.Errorf("no answer within %v: %w", limit, ctx.Err())
	default:
		return err
	}
}
