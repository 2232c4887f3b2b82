// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"bytes"
	"runtime"
)

// answers says that a question to plex.tv has been answered, or given up. It is
// what the client writes its log to, one line for each.
type answers chan struct{}

func (a answers) Write(line []byte) (int, error) {
	select {
	case a <- struct{}{}:
	default:
	}
	return len(line), nil
}

// settle returns when nobody does anything any more: all who are left wait for a
// clock, or to be asked. Whoever runs, could run, is in a system call or waits for
// plex.tv's answer is seen in a dump of all stacks; no other sign is as sure,
// because a goroutine that has just been woken shows in nothing else.
func settle(heard answers) {
	stacks := make([]byte, 1<<18)
	for way := 20; ; way = min(2*way, 2000) {
		select {
		case <-heard:
		default:
		}
		n := runtime.Stack(stacks, true)
		switch {
		case n == len(stacks):
			stacks = make([]byte, 2*n)
		case bytes.Contains(stacks[:n], []byte("plextv.(*Client).exchange(")):
			<-heard
		case atRest(stacks[:n]):
			return
		}
		for range way { // to give it
			runtime.Gosched()
		}
	}
}

func atRest(stacks []byte) bool {
	_, others, _ := bytes.Cut(stacks, []byte("\n\n")) // the first is the caller's
	for len(others) > 0 {
		var goroutine []byte
		goroutine, others, _ = bytes.Cut(others, []byte("\n\n"))
		if bytes.Contains(goroutine, []byte("os/signal.")) || bytes.Contains(goroutine, []byte("runtime/pprof.")) {
			continue // of go test's own
		}
		if !waits(goroutine) {
			return false
		}
	}
	return true
}

// waits tells whether a goroutine waits for another one, a clock or the network;
// all else, also to be let go on by the garbage collector, is work.
func waits(goroutine []byte) bool {
	_, state, _ := bytes.Cut(goroutine, []byte(" ["))
	for _, waiting := range []string{"select", "chan ", "IO wait", "sync."} {
		if bytes.HasPrefix(state, []byte(waiting)) {
			return true
		}
	}
	return false
}
