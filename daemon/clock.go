// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the time since the box was switched on, sleep included:
// CLOCK_BOOTTIME of clock_gettime(2), which nobody can set. Go's own monotonic
// time stands still while the box sleeps, and the wall clock jumps once the box
// hears what time it is. Every kernel that Go runs on has it.
func bootTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano())
}
