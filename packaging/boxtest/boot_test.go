//go:build box

package boxtest

import (
	"slices"
	"testing"
	"time"
)

// boots is how often each kind of box is booted.
const boots = 9

// A box has no network while it boots, and none that comes later. The figure to
// read is in the log: single boots differ by more than the service takes, so
// the test fails only on what waits for something.
func TestBootIsNotDelayed(t *testing.T) {
	var without, with []time.Duration
	for range boots {
		without = append(without, bootTime(t, "disabled"))
		with = append(with, bootTime(t, "enabled"))
	}
	slices.Sort(without)
	slices.Sort(with)
	delay := with[boots/2] - without[boots/2]
	t.Logf("median of %d boots: %v without, %v with the service: %v more", boots, without[boots/2], with[boots/2], delay)
	if delay > 500*time.Millisecond {
		t.Errorf("the service delays the boot: %v without, %v with it", without, with)
	}
}

// bootTime is how long systemd took until everything had started.
func bootTime(t *testing.T, service string) (took time.Duration) {
	t.Helper()
	t.Run(service, func(t *testing.T) {
		b := Boot(t, Options{Package: service})
		mustEqual(t, "service", b.unit("ActiveState"), map[string]string{"enabled": "active", "disabled": "inactive"}[service])
		took = b.moment(t, "FinishTimestampMonotonic") - b.moment(t, "UserspaceTimestampMonotonic")
	})
	return took
}

// moment is one of systemd's timestamps, which are in microseconds.
func (b *Box) moment(t *testing.T, property string) time.Duration {
	t.Helper()
	text := b.Run(t, "systemctl", "show", "--value", "--property="+property)
	stamp, err := time.ParseDuration(text + "us")
	if err != nil || stamp == 0 {
		t.Fatalf("%s is %q", property, text)
	}
	return stamp
}
