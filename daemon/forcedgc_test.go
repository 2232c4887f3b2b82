// SPDX-License-Identifier: Apache-2.0

//go:build noforcedgc

package daemon

import (
	"testing"
	"time"
)

// TestTheRuntimeHasItsPeriod fails if a new Go no longer has what saveMemory sets.
func TestTheRuntimeHasItsPeriod(t *testing.T) {
	if period := time.Duration(forceGCPeriod); period != 2*time.Minute {
		t.Errorf("the runtime's variable begins as %v: is it another one by now?", period)
	}
}
