// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkSave selects another media server in each round. The state is as long
// however many are known, so 200 of them cost as much as 2.
func BenchmarkSave(b *testing.B) {
	const server = `{"machine_id":"0123456789abcdef0123456789abcdef01234567","name":"Attic","uris":["https://10-0-0-2.plex.direct:32400"]},`
	for _, servers := range []int{2, 200} {
		b.Run(fmt.Sprint(servers, " servers"), func(b *testing.B) {
			box := newBox(b, "")
			s := served(strings.Repeat(server, servers))
			box.save(s)
			before := processorTime(b)
			b.ResetTimer()
			for n := range b.N {
				selected := *s.Auth
				selected.SelectedServerID = fmt.Sprint(n)
				s.Auth = &selected
				box.save(s)
			}
			b.ReportMetric((processorTime(b)-before)/float64(b.N), "cpu-µs/op")
		})
	}
}

// processorTime is what this process has used until now, in microseconds.
func processorTime(b *testing.B) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1000
}
