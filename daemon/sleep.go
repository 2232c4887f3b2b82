// SPDX-License-Identifier: Apache-2.0

//go:build noforcedgc

package daemon

import (
	"time"
	_ "unsafe" // for go:linkname
)

// forceGCPeriod is how long the Go runtime lets pass between two collections, in
// nanoseconds, whether there is garbage or not. Half of it is also how long its
// monitor thread sleeps while nothing else runs. Go has no setting for it. The
// runtime's own tests set it in this way; the linker wants -checklinkname=0 for
// that. A runtime without such a variable would leave 0 here.
//
//go:linkname forceGCPeriod runtime.forcegcperiod
var forceGCPeriod int64

// sleepWell keeps the runtime from waking an idle box, two or three times a minute
// and thirty times every other one. What garbage there is does not grow while
// nothing runs; what a busy time has left goes with releaseWhenUnasked, or stays
// until the next one.
func sleepWell() { forceGCPeriod = int64(365 * 24 * time.Hour) }
