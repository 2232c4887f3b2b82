// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"maps"
	"testing"
)

func TestForgettingNeedsNoSpace(t *testing.T) {
	s := scenes["signed out"]
	s.files = maps.Clone(s.files)
	s.files["state.toml"] = full
	b := s.box(t)
	var gone bool
	var err error
	straced(b, func() { gone, err = b.Forget(signedOut()) }, "write:error=ENOSPC")
	if b.wantFiles(); !gone || err == nil {
		t.Errorf("Forget on a full disk = %v, %v, want every file gone and the reason", gone, err)
	}
	b.save(signedOut())
	b.wantState(signedOut())
}

func TestForgettingOnAReadOnlyDisk(t *testing.T) {
	b := scene{running: true, files: map[string]string{"state.toml": full}}.box(t)
	var gone bool
	var err error
	straced(b, func() { gone, err = b.Forget(signedOut()) }, "openat:error=EROFS:when=4+", "unlinkat:error=EROFS")
	if gone || err == nil {
		t.Errorf("Forget on a read-only disk = %v, %v, want nothing gone and the reason", gone, err)
	}
	b.wantText(full)
	if gone, err = b.Forget(signedOut()); !gone || err != nil {
		t.Errorf("Forget on a good disk = %v, %v", gone, err)
	}
	b.wantState(signedOut())
}

func TestAFileThatMayNotBeTouchedIsNotForgotten(t *testing.T) {
	b := newBox(t, "[retune_plex_auth]\nversion = 2\n")
	before := b.text()
	_, _ = b.Load()
	if gone, err := b.Forget(signedOut()); gone || err == nil {
		t.Errorf("Forget = %v, %v", gone, err)
	}
	b.wantText(before)
}
