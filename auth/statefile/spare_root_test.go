// SPDX-License-Identifier: Apache-2.0

//go:build root

package statefile_test

import (
	"os"
	"syscall"
	"testing"
)

// TestAFileOfAnotherUserIsNoSpare: who owns the file can read what is written over it.
func TestAFileOfAnotherUserIsNoSpare(t *testing.T) {
	b := newBox(t, "").withSpare()
	if err := os.Chown(b.path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	b.save(titled("three"))
	b.wantSpare(false)
	b.save(titled("four"))
	info, err := os.Stat(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 0 {
		t.Errorf("the state belongs to %+v, want root", info.Sys())
	}
}
