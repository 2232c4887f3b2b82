// SPDX-License-Identifier: Apache-2.0

// Command nothing is the least that a service in Go can be: it says READY=1 and
// sleeps.
package main

import (
	"log"
	"os"
	"syscall"
)

func main() {
	if err := notify(); err != nil {
		log.Fatal(err)
	}
	for {
		_ = syscall.Pause()
	}
}

// notify says READY=1 where there is a service manager.
func notify() error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return syscall.Sendto(socket, []byte("READY=1"), 0, &syscall.SockaddrUnix{Name: address})
}
