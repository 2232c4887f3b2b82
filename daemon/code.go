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

// releaseCode drops the pages of read-only file mappings, nearly all of which are
// the program's own: most of them the code and tables of TLS and HTTP. The kernel
// reads a page from the file again when it is used. Otherwise they would count as
// memory in use until the next question to plex.tv, a day later. A failure does no
// harm.
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
