// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// On a read-only image /var is often a file system in memory.
func TestStateInMemoryIsNamed(t *testing.T) {
	for memory, mount := range map[string]string{
		"tmpfs": "mount -t tmpfs -o mode=0700 tmpfs /var/lib/plexauthd",
		"overlay on tmpfs": `mkdir /run/upper /run/work
			mount -t overlay -o lowerdir=/var/lib/plexauthd,upperdir=/run/upper,workdir=/run/work overlay /var/lib/plexauthd`,
	} {
		t.Run(memory, func(t *testing.T) {
			b := bootWithPlex(t, bootedtest.Options{})
			if healthy, found := b.Examine(t); !healthy {
				t.Errorf("before: %+v", found)
			}
			b.Run(t, "systemctl", "stop", "plexauthd")
			b.Run(t, "sh", "-ec", mount)
			b.Run(t, "systemctl", "start", "plexauthd")
			b.signIn(t)
			b.Run(t, "systemctl", "reload", "plexauthd")
			const words = "the sign-in is lost at the next boot: the state is in memory ("
			if status := b.Unit("StatusText"); !strings.Contains(status, words+memory+")") {
				t.Errorf("the service says: %s", status)
			}
			if _, found := b.Examine(t); found["storage"].Result != doctor.Wrong || !strings.Contains(found["storage"].Finding, words+memory+")") {
				t.Errorf("the doctor says: %+v", found["storage"])
			}
			entries := b.journal(t, "MESSAGE_ID", daemon.MessageInMemory)
			if len(entries) != 1 || entries[0]["PLEXAUTHD_FILE_SYSTEM"] != memory {
				t.Errorf("the journal has %v", entries)
			}
			b.mustHaveDocumentedFields(t)
			b.mustExplain(t, daemon.MessageInMemory)
		})
	}
}
