// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"testing"
)

func TestInFlight(t *testing.T) {
	f := newInFlight(2, 80)
	begin := func(caller string, size int, want bool) {
		t.Helper()
		if err := f.begin(caller, size); (err == nil) != want {
			t.Fatalf("%s with %d bytes: %v", caller, size, err)
		}
	}
	for i := range 40 {
		begin(fmt.Sprint(i), 10, true)
		begin(fmt.Sprint(i), 10, true)
		begin(fmt.Sprint(i), 10, false)
	}
	begin("one too many", 10, false)
	for i := range 40 {
		f.end(fmt.Sprint(i), 10)
		f.end(fmt.Sprint(i), 10)
	}
	begin("long", 79*averageCall, true)
	begin("long", averageCall, true)
	begin("other", 1, false)
	f.end("long", averageCall)
	begin("other", 1, true)
	f.end("other", 1)
	f.end("long", 79*averageCall)
	if len(f.of) > 0 || f.bytes != 0 || f.total != 0 {
		t.Errorf("left are %d calls of %v with %d bytes", f.total, f.of, f.bytes)
	}
}
