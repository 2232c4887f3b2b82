// SPDX-License-Identifier: Apache-2.0

//go:build soak

package main

import (
	"encoding/json"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// init makes this build report what only the program itself can count. Only the
// soak test builds it; main needs no call that other builds lack.
func init() {
	path := os.Getenv("PLEXAUTHD_COUNTS")
	if path == "" {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for signal := range asked {
			count(path, signal == syscall.SIGUSR2)
		}
	}()
}

// count writes how many goroutines there are and how much memory is in use after
// a collection, and on request where each goroutine is.
func count(path string, withStacks bool) {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	counts := map[string]any{"goroutines": runtime.NumGoroutine(), "heap": memory.HeapAlloc}
	if withStacks {
		stacks := make([]byte, 4<<20)
		counts["stacks"] = string(stacks[:runtime.Stack(stacks, true)])
	}
	text, err := json.Marshal(counts)
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		_ = os.Rename(path+".new", path)
	}
}
