package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the time since the box started, that in which it slept included
// (CLOCK_BOOTTIME, clock_gettime(2)). Go's own monotonic clock stands still
// during sleep, in which tokens go on expiring.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("reading CLOCK_BOOTTIME: " + err.Error()) // every Linux since 2.6.39 has it
	}
	return time.Duration(t.Nano())
}
