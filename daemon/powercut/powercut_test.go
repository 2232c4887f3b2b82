// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Package powercut cuts the power while plexauthd saves its state. README.md
// tells how.
package powercut

import "testing"

func TestPowerCuts(t *testing.T) {
	for kind, share := range map[string]int{"ext4": 30, "ext4 data=writeback": 20, "btrfs": 25} {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t, kind)
			cuts := percent(share)
			err := r.survivesAll(r.record("statefile", min(max(cuts, 20), 200)), cuts)
			r.report()
			if err != nil {
				t.Error(err)
			}
		})
	}
}
