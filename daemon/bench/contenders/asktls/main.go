// SPDX-License-Identifier: Apache-2.0

// Command asktls is the least that a service in Go can be that asks plex.tv: it gets
// the address on its command line once over TLS, gives back what memory it can, as
// plexauthd does, and sleeps.
package main

import (
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	debug.SetGCPercent(25)
	answer, err := http.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	debug.FreeOSMemory()
	forget()
	for {
		_ = syscall.Pause()
	}
}

// forget gives back the pages of the program's own file.
func forget() {
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	mappings, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(mappings)) {
		fields := strings.Fields(line)
		if len(fields) == 6 && fields[5] == program && strings.HasPrefix(fields[1], "r-") {
			drop(fields[0])
		}
	}
}

// drop gives back a range of addresses, as the kernel writes it.
func drop(addresses string) {
	first, last, _ := strings.Cut(addresses, "-")
	start, badStart := strconv.ParseUint(first, 16, strconv.IntSize)
	end, badEnd := strconv.ParseUint(last, 16, strconv.IntSize)
	if err := errors.Join(badStart, badEnd); err != nil {
		log.Fatal(err)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, uintptr(start), uintptr(end-start), syscall.MADV_DONTNEED); errno != 0 {
		log.Fatal("madvise: ", errno)
	}
}
