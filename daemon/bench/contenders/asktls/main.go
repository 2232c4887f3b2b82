// SPDX-License-Identifier: Apache-2.0

// Command asktls is the least that a service in Go can be that asks plex.tv: it gets
// the address on its command line once over TLS, gives back what memory it can, as
// plexauthd does, and sleeps.
package main

import (
	"crypto/tls"
	"crypto/x509"
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
	ask(os.Args[1])
	debug.FreeOSMemory()
	forget()
	for {
		_ = syscall.Pause()
	}
}

// ask trusts only the certificates in SSL_CERT_FILE: the system's, once read, would stay
// in memory.
func ask(address string) {
	certificates, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificates)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	answer, err := client.Get(address)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	client.CloseIdleConnections()
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
