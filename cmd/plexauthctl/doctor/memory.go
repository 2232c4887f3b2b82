// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/systemd"
)

// checkStorage tells whether the next boot finds the state again. The running
// service knows best where its state is.
func (x *examination) checkStorage(ctx context.Context) Finding {
	if status := x.statusText(ctx); status != "" && x.State == "" {
		return judgeStatus(status)
	}
	file := x.State
	if file == "" && x.Bus == "system" {
		file = statefile.ServicePath
	}
	if file == "" {
		return unknown("not on the system bus: use --state")
	}
	memory, err := statefile.InMemory(file)
	if err != nil {
		return unknown(err.Error())
	}
	return judgeMemory(memory)
}

// statusText is what the running service says of itself, "" if there is none.
func (x *examination) statusText(ctx context.Context) string {
	if _, err := os.Stat(systemd.Booted); err != nil || x.Bus != "system" {
		return ""
	}
	out, err := exec.CommandContext(ctx, "systemctl", "show", "plexauthd.service", "--property=StatusText", "--value").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// judgeStatus looks in the service's status text for the file system in memory.
func judgeStatus(status string) Finding {
	_, memory, _ := strings.Cut(status, "the state is in memory (")
	memory, _, _ = strings.Cut(memory, ")")
	return judgeMemory(memory)
}

func judgeMemory(memory string) Finding {
	if memory == "" {
		return ok("the state is not in memory, as far as can be seen")
	}
	return wrong("the sign-in is lost at the next boot: the state is in memory ("+memory+")",
		"keep it on a disk: mount one at /var/lib/plexauthd, or start plexauthd with --state FILE")
}
