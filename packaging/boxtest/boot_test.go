// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// boots is how many boots there are before a slow start counts.
const boots = 9

// A box has no network while it boots, and none that comes later: a service that
// waited for it would hold the boot up for seconds. How long a start takes depends
// on what else the machine does, but the other services of the same boot share
// that: theirs are the measure.
func TestBootIsNotDelayed(t *testing.T) {
	for range boots {
		b := &box{bootedtest.Boot(t, bootedtest.Options{Package: "enabled"})}
		bootedtest.MustEqual(t, "service", b.Unit("ActiveState"), "active")
		own, longest := b.starts(t)
		t.Logf("the service took %v to start, and none of the others more than %v:\n%s", own, longest,
			b.Run(t, "systemd-analyze", "critical-chain", "--no-pager"))
		if own <= 2*longest {
			return
		}
	}
	t.Errorf("in each of %d boots the service took more than twice as long to start as any other", boots)
}

// starts is how long the service took to start, and the longest that another did,
// as systemd-analyze blame has them.
func (b *box) starts(t *testing.T) (own, longest time.Duration) {
	t.Helper()
	units := b.Run(t, "systemctl", "show", "--property=Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic", "*.service")
	for _, unit := range strings.Split(units, "\n\n") {
		properties := make(map[string]string)
		for line := range strings.Lines(unit) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			properties[name] = value
		}
		took := moment(t, properties["ActiveEnterTimestampMonotonic"]) - moment(t, properties["InactiveExitTimestampMonotonic"])
		if properties["Id"] == "plexauthd.service" {
			own = took
		} else {
			longest = max(longest, took)
		}
	}
	if own <= 0 || longest <= 0 {
		t.Fatalf("no start in\n%s", units)
	}
	return own, longest
}

// moment is one of systemd's timestamps, which are in microseconds.
func moment(t *testing.T, text string) time.Duration {
	t.Helper()
	stamp, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(stamp) * time.Microsecond
}
