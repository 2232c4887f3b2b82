// SPDX-License-Identifier: Apache-2.0

//go:build !noforcedgc

package daemon

// forceGCPeriod has no effect in builds without the tag noforcedgc, which the Makefile
// sets and plain go build does not.
var forceGCPeriod int64
