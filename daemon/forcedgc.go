// SPDX-License-Identifier: Apache-2.0

//go:build noforcedgc

package daemon

import _ "unsafe" // for go:linkname

// forceGCPeriod is how long the Go runtime lets pass between two collections, in
// nanoseconds, whether there is garbage or not. Half of it is also how long its
// monitor thread sleeps while nothing else runs. Go has no setting for it. The
// runtime's own tests set it in this way; the linker wants -checklinkname=0 for
// that. A runtime without such a variable would leave 0 here.
//
//go:linkname forceGCPeriod runtime.forcegcperiod
var forceGCPeriod int64
