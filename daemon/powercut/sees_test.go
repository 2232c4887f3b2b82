// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests in this file show that the others could fail.

// triesToFail is more cuts than it takes to catch a careless writer.
const triesToFail = 60

func TestCarelessWritersAreCaught(t *testing.T) {
	for task := range writers {
		if task == "statefile" {
			continue
		}
		t.Run(task, func(t *testing.T) {
			r := newRig(t, "ext4")
			r.wantLoss(r.record(task, 30))
		})
	}
}

func TestDrivesThatForgetFlushesAreCaught(t *testing.T) {
	for kind := range fileSystems {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t, kind)
			r.wantLoss(r.record("statefile", 30).forgetful())
		})
	}
}

// wantLoss wants the check to find something.
func (r *rig) wantLoss(rec recording) {
	r.Helper()
	for c := range rec.cuts(r.random, triesToFail) {
		if _, err := r.survives(c); err != nil {
			r.Logf("cut %d, after %d events, %s: %v", r.cuts, c.at, c.fate, err)
			return
		}
	}
	r.Errorf("%d cuts and nothing was lost", triesToFail)
}

// TestTheLoopDeviceHidesNothing: what the kernel writes to the device is in the
// file before a flush of the device, which is one of the file.
func TestTheLoopDeviceHidesNothing(t *testing.T) {
	s := newShelf(t)
	d := newDisk("plain", newImage(1<<20))
	c, err := startChild("loop", boxDisk+"="+s.put(d))
	if err != nil {
		t.Fatal(err)
	}
	defer c.kill()
	if _, err := c.hear(); err != nil {
		t.Fatal(err)
	}
	d.restart()
	if _, err := c.ask("write"); err != nil {
		t.Fatal(err)
	}
	seen := d.seen()
	if len(seen) != 2 || seen[0].kind != write || seen[1].kind != flush {
		t.Fatalf("%d events, not a write and then a flush", len(seen))
	}
	if at := probeOffset - seen[0].offset; !bytes.Equal(seen[0].data[at:at+int64(len(probe))], []byte(probe)) {
		t.Error("something else was written")
	}
}

const (
	probe       = "plexauth"
	probeOffset = 8192
)

// runLoop writes to a loop device and flushes it.
func runLoop() error {
	l, err := attach(os.Getenv(boxDisk))
	if err != nil {
		return err
	}
	info, err := unix.IoctlLoopGetStatus64(l.fd)
	if err != nil {
		return err
	}
	if info.Flags&unix.LO_FLAGS_DIRECT_IO == 0 {
		return fmt.Errorf("the loop device has flags %#x: no direct I/O", info.Flags)
	}
	fmt.Println("attached")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if _, err := unix.Pwrite(l.fd, []byte(probe), probeOffset); err != nil {
		return err
	}
	if err := unix.Fsync(l.fd); err != nil {
		return err
	}
	fmt.Println("flushed")
	return l.close()
}

// TestFates: what was flushed is there whatever the fate of the rest, and
// sectors stay whole.
func TestFates(t *testing.T) {
	fill := func(c byte) []byte { return bytes.Repeat([]byte{c}, 2*sector) }
	rec := recording{base: newImage(1 << 20), events: []event{
		{kind: write, data: fill('a')},
		{kind: flush},
		{kind: saved, state: 1},
		{kind: write, data: fill('b')},
		{kind: write, data: fill('c')},
	}}
	random := rand.New(rand.NewPCG(*seedFlag, 0))
	found := make(map[string]bool)
	for c := range rec.cuts(random, 20_000) {
		data := make([]byte, 2*sector)
		c.image.read(data, 0)
		for half := range 2 {
			if part := data[half*sector:][:sector]; !bytes.Equal(part, bytes.Repeat(part[:1], sector)) {
				t.Fatal("a sector is torn")
			}
		}
		now := string([]byte{data[0], data[sector]})
		if c.at >= 2 && strings.Contains(now, "\x00") || c.at >= 3 && c.least != 1 {
			t.Fatalf("after %d events the disk holds %q and state %d is due", c.at, now, c.least)
		}
		found[now] = true
	}
	for _, want := range []string{"\x00\x00", "a\x00", "aa", "bb", "cc", "ba", "ab", "ca", "cb", "bc"} {
		if !found[want] {
			t.Errorf("%q was never found in %v", want, found)
		}
	}
}
