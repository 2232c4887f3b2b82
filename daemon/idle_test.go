// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// TestMemoryIsFreedAfterEachQuestion: not after a sign-in alone, since the daily
// question takes as much.
func TestMemoryIsFreedAfterEachQuestion(t *testing.T) {
	clock, freed := clockwork.NewFakeClock(), make(chan struct{}, 10)
	asked, stop := releaseWhenUnasked(clock, func() { freed <- struct{}{} })
	defer stop()
	for range 3 {
		for range 5 { // a pairing asks every second
			clock.Advance(time.Second)
			asked()
		}
		clock.Advance(releaseAfter - time.Second)
		if len(freed) > 0 {
			t.Fatal("freed while plex.tv is being asked")
		}
		clock.Advance(time.Second)
		select {
		case <-freed:
		case <-time.After(10 * time.Second):
			t.Fatal("not freed")
		}
	}
	clock.Advance(24 * time.Hour)
	if len(freed) > 0 {
		t.Error("freed though nothing has been asked")
	}
}

// smaps is what the kernel says of a program that may lie at any address: code,
// what the loader has changed and then protected, in memory and in swap, data, and
// none of a file.
const smaps = `50000000-503b9000 r-xp 00000000 fe:00 10029182                   /usr/sbin/plexauthd
Size:               3812 kB
Rss:                3812 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex mr mw me sd
503b9000-50799000 r--p 003b9000 fe:00 10029182                   /usr/sbin/plexauthd
Size:               3968 kB
Anonymous:            60 kB
Swap:                  0 kB
VmFlags: rd mr mw me ac sd
50799000-507e7000 rw-p 00799000 fe:00 10029182                   /usr/sbin/plexauthd
Size:                312 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd wr mr mw me ac sd
50800000-50810000 r--p 00800000 fe:00 10029182                   /usr/sbin/plexauthd
Size:                 64 kB
Anonymous:             0 kB
Swap:                 60 kB
VmFlags: rd mr mw me ac sd
c000000000-c000400000 r--p 00000000 00:00 0
Size:               4096 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd mr mw me nh
7fd1c0917000-7fd1c0919000 r-xp 00000000 00:00 0                          [vdso]
Size:                  8 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex mr mw me de
ffff000000-ffff100000 r--s 00000000 fe:00 77                             /usr/share/some thing
Size:               1024 kB
Anonymous:             0 kB
Swap:                  0 kB
`

func TestOnlyWhatTheFileShowsIsReleased(t *testing.T) {
	want := []mapping{{0x50000000, 0x503b9000}}
	if got := filePages(strings.NewReader(smaps)); !reflect.DeepEqual(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestCodeComesBack runs on after its own code has gone from memory.
func TestCodeComesBack(t *testing.T) {
	if file, err := os.Open("/proc/self/smaps"); err != nil || len(filePages(file)) == 0 {
		t.Errorf("no file shows in smaps: %v", err)
	}
	before := bytes.Repeat([]byte("constant "), 1000)
	releaseCode()
	if !bytes.Equal(before, bytes.Repeat([]byte("constant "), 1000)) {
		t.Error("the program is another one")
	}
}
