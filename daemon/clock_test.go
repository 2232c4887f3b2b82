// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// uptime is the same clock as /proc shows it, in hundredths of a second.
func uptime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	var seconds float64
	if _, err := fmt.Sscan(string(text), &seconds); err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second)).Round(10 * time.Millisecond)
}

func TestBootTime(t *testing.T) {
	before := uptime(t)
	now := bootTime()
	if after := uptime(t); now < before || now >= after+10*time.Millisecond {
		t.Errorf("%v since boot, but the kernel says %v to %v", now, before, after)
	}
}
