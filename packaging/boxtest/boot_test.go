//go:build box

package boxtest

import (
	"slices"
	"testing"
	"time"
)

// boots is how often each kind of box is booted.
const boots = 9

// bar is what the service may add to a boot.
const bar = 50 * time.Millisecond

// A box has no network while it boots, and none that comes later. Single boots
// differ by more than the service takes, so one figure above the bar does not
// make the test fail: either every boot with the service has to be that much
// slower than the one just before, or half of them while no start of the
// service was within the bar. The figures to read are in the log.
func TestBootIsNotDelayed(t *testing.T) {
	var without, with, more, own []time.Duration
	for range boots {
		before, _ := bootTime(t, "disabled")
		after, activation := bootTime(t, "enabled")
		without, with = append(without, before), append(with, after)
		more, own = append(more, after-before), append(own, activation)
	}
	for _, times := range [][]time.Duration{without, with, more, own} {
		slices.Sort(times)
	}
	const middle = boots / 2
	t.Logf("medians of %d boots: %v without, %v with the service, which took %v to start; pair by pair %v more, at least %v",
		boots, without[middle], with[middle], own[middle], more[middle], more[0])
	delayed := more[middle] > bar && (more[0] > bar || own[0] > bar)
	if delayed || more[middle] > 10*bar {
		t.Errorf("the service delays the boot: %v without, %v with it, %v more pair by pair; its own start took %v", without, with, more, own)
	}
}

// bootTime is how long systemd took until everything had started, and how long
// the service took for its own part if it is enabled.
func bootTime(t *testing.T, service string) (took, activation time.Duration) {
	t.Helper()
	t.Run(service, func(t *testing.T) {
		b := Boot(t, Options{Package: service})
		mustEqual(t, "service", b.unit("ActiveState"), map[string]string{"enabled": "active", "disabled": "inactive"}[service])
		took = b.moment(t, "FinishTimestampMonotonic") - b.moment(t, "UserspaceTimestampMonotonic")
		if service == "enabled" {
			activation = b.moment(t, "ActiveEnterTimestampMonotonic", "plexauthd") - b.moment(t, "InactiveExitTimestampMonotonic", "plexauthd")
		}
	})
	return took, activation
}

// moment is one of the timestamps, which are in microseconds, of a unit or, if
// there is none, of systemd itself.
func (b *Box) moment(t *testing.T, property string, unit ...string) time.Duration {
	t.Helper()
	text := b.Run(t, "systemctl", append([]string{"show", "--value", "--property=" + property}, unit...)...)
	stamp, err := time.ParseDuration(text + "us")
	if err != nil || stamp == 0 {
		t.Fatalf("%s is %q", property, text)
	}
	return stamp
}
