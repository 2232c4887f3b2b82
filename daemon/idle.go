// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sys/unix"
)

// An idle box, signed in, costs about 5 MiB of memory and is not woken at all between
// two questions to plex.tv, a day apart; daemon/bench/README.md has the measurements.
// Five things keep it so:
//
//   - The heap grows by a quarter before it is collected, not to twice its size. The
//     processor time that this takes is of calls, and there are few.
//   - The Go runtime collects garbage every two minutes even if nothing runs, and its
//     monitor thread wakes twice as often. Both are turned off ([forceGCPeriod]). What
//     is left of busy times is collected by freeMemory or by the next collection.
//   - Once plex.tv has not been asked for a while, free heap goes back to the system.
//   - So do the pages of the program's own file, most of them code and tables of TLS and
//     HTTP, which would count as memory in use until the next question. The kernel reads
//     a page from the file again when it is used.
//   - Root certificates are read when package plextv connects, and not kept.
//
// Every timer that runs while nothing happens would break this.

// gcPercent is GOGC for this program.
const gcPercent = 25

// releaseAfter is longer than idle connections to plex.tv stay open.
const releaseAfter = 40 * time.Second

func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	forceGCPeriod = int64(365 * 24 * time.Hour)
}

// releaseWhenUnasked calls free, which returns memory to the system, once plex.tv
// has not been asked for releaseAfter: what TLS needed is no longer in use then.
// Call asked with each answer, from any goroutine.
func releaseWhenUnasked(clock clockwork.Clock, free func()) (asked, stop func()) {
	release := clock.AfterFunc(releaseAfter, free)
	return func() { release.Reset(releaseAfter) }, func() { release.Stop() }
}

func freeMemory() {
	debug.FreeOSMemory()
	releaseCode()
}

// releaseCode drops the pages of read-only file mappings, nearly all of which are
// the program's own. A failure does no harm.
func releaseCode() {
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer file.Close()
	for _, m := range filePages(file) {
		// madvise(2): clean pages of a file are read from it again.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// filePages returns the read-only mappings in /proc/PID/smaps (proc_pid_smaps(5))
// whose pages are all the file's. A page that a loader has relocated, as in a
// position-independent program, would be lost: the kernel counts it as anonymous,
// or as swap.
func filePages(smaps io.Reader) (found []mapping) {
	var file mapping // the zero value outside a read-only mapping of a file
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		switch fields := strings.Fields(lines.Text()); {
		case len(fields) == 6 && strings.HasPrefix(fields[1], "r-") && strings.HasPrefix(fields[5], "/"):
			file = addresses(fields[0])
		case len(fields) > 4: // any other head of a mapping, or VmFlags, its last line
			file = mapping{}
		case len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] != "0":
			file = mapping{}
		case len(fields) == 3 && fields[0] == "Swap:" && fields[1] == "0" && file.end > 0:
			found = append(found, file)
		}
	}
	return found
}

// addresses reads a range as the kernel writes it.
func addresses(text string) mapping {
	start, end, _ := strings.Cut(text, "-")
	first, badStart := strconv.ParseUint(start, 16, strconv.IntSize)
	last, badEnd := strconv.ParseUint(end, 16, strconv.IntSize)
	if badStart != nil || badEnd != nil {
		return mapping{}
	}
	return mapping{uintptr(first), uintptr(last)}
}
