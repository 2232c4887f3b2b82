// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// patience bounds every visit. plex.tv's requests for patience are among it.
const patience = 2 * time.Minute

// box is a machine with a bus, a plex.tv of its own and the daemon.
type box struct {
	*daemontest.Box
	mode       string
	random     *rand.Rand
	ada        string // a token of hers, from some other device
	configured int    // times
	expired    int    // times that a refused token was waited for
	process    *daemontest.Process
}

func newBox(t *testing.T, program, mode string, seed uint64) *box {
	t.Helper()
	b := &box{Box: daemontest.New(t, program, bustest.Roomy(t)), mode: mode, random: rand.New(rand.NewPCG(seed, seed))}
	b.Env = []string{"PLEXAUTHD_COUNTS=" + b.Path("counts")}
	b.Printed.Most = 8 << 10
	b.ada = b.Ada()
	b.configure()
	return b
}

// configure writes a configuration that differs from the one before.
func (b *box) configure() (deviceName string) {
	b.Helper()
	b.configured++
	deviceName = fmt.Sprintf("Den %d", b.configured%100)
	b.Configure(fmt.Sprintf("[identity]\ndevice_name = %q\n[auth]\nmode = %q\n[pairing]\npoll_interval = \"250ms\"\n", deviceName, b.mode))
	return deviceName
}

// start runs plexauthd and returns when it serves.
func (b *box) start() {
	b.Helper()
	b.process = b.Start("--log-level", "info")
}

// visitor is a frontend that comes for a while.
type visitor struct {
	*client.Client
	*box
	ctx   context.Context
	watch *daemontest.Watcher
	leave func()
}

// visit brings a frontend that watches.
func (b *box) visit() *visitor {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w := b.Watch(ctx)
	return &visitor{Client: w.Client, box: b, ctx: ctx, watch: w, leave: func() { cancel(); _ = w.Close() }}
}
