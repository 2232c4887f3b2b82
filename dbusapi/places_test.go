// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"testing"
)

func TestPlaces(t *testing.T) {
	p := newPlaces(2, 80)
	take := func(holder string, size int, want bool) {
		t.Helper()
		if err := p.take(holder, size); (err == nil) != want {
			t.Fatalf("%s with %d bytes: %v", holder, size, err)
		}
	}
	for i := range 40 {
		take(fmt.Sprint(i), 10, true)
		take(fmt.Sprint(i), 10, true)
		take(fmt.Sprint(i), 10, false)
	}
	take("one too many", 10, false)
	for i := range 40 {
		p.leave(fmt.Sprint(i), 10)
		p.leave(fmt.Sprint(i), 10)
	}
	take("long", 2*averageCall, true)
	take("long", 1, false)
	p.leave("long", 2*averageCall)
	for i := range 40 {
		take(fmt.Sprint(i), 2*averageCall, true)
	}
	take("other", 1, false)
	for i := range 40 {
		p.leave(fmt.Sprint(i), 2*averageCall)
	}
	if len(p.of) > 0 || p.total != (limit{}) {
		t.Errorf("left are %v of %v", p.total, p.of)
	}
}

func TestOneUserTakesAQuarterOfThePlaces(t *testing.T) {
	for _, all := range []int{maxAsking, maxPrompting} {
		for _, size := range []int{100, 32 << 10} { // the longest call
			p, taken := newUserPlaces(all), 0
			for p.take("user", size) == nil {
				taken++
			}
			if taken == 0 || taken > all/4 || (size == 100 && taken < all/4) {
				t.Errorf("one user takes %d of %d places for calls of %d bytes", taken, all, size)
			}
			for _, other := range []string{"a", "b", "c"} {
				if err := p.take(other, size); err != nil {
					t.Errorf("another user: %v", err)
				}
			}
		}
	}
}
