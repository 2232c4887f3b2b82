// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseCode lets files go from memory that are only read, of which the program
// itself is nearly all. Most of it is the code and the tables of TLS and HTTP, which
// come back from the file when they are used again. Without that they stay, and
// count as in use, for a day until the next question to plex.tv. It does no harm
// where it fails.
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

// filePages finds in /proc/PID/smaps (proc_pid_smaps(5)) what shows a file as it
// is and cannot be written to. What a loader has changed, for a program that may
// lie at any address, would be lost: the kernel counts that as anonymous, or as swap.
func filePages(smaps io.Reader) (found []mapping) {
	var file mapping // the zero value where it is none of a file that is only read
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
