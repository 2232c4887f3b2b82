// SPDX-License-Identifier: Apache-2.0

//go:build !noforcedgc

package daemon

// stopPeriodicGC does nothing in builds without the tag noforcedgc, which the Makefile
// sets and plain go build does not.
func stopPeriodicGC() {}
