// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// The environment of this program when it is a child of its own.
const (
	childTask = "STATEFILE_CHILD"
	childPath = "STATEFILE_PATH"
)

func TestMain(m *testing.M) {
	file := statefile.Open(os.Getenv(childPath), clockwork.NewRealClock())
	var err error
	switch os.Getenv(childTask) {
	case "":
		// Not the list of files that go test keeps for its cache: it is written
		// by the thread that happens to fill a buffer, which may be straced.
		flag.Parse()
		_ = flag.Set("test.testlogfile", "")
		os.Exit(m.Run())
	case "small files":
		signal.Ignore(syscall.SIGXFSZ)
		err = saveSmallFiles(file)
	case "endless":
		err = saveForEver(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(task, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+task, childPath+"="+path)
	return cmd
}

// numbered is a state that differs from its neighbours in size and tables.
func numbered(n int) statefile.State {
	s := fullState()
	s.ClientID = strconv.Itoa(n)
	if n%4 > 0 {
		s.Servers = &statefile.Servers{List: secret.New(strings.Repeat("s", n*577%5000))}
	}
	s.Auth.Title = strings.Repeat("t", n*977%5000)
	if n%3 == 0 {
		s.Pairing = nil
	}
	if n%5 == 0 {
		s.Auth, s.Owner, s.Servers = nil, nil, nil
	}
	if n%7 == 0 {
		s.DeviceKey, s.Owner, s.HomePin = nil, nil, nil
	}
	return s
}

// saveForEver tells the number of each state when it is saved.
func saveForEver(file *statefile.File) error {
	for n := 1; ; n++ {
		if err := file.Save(numbered(n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestKilledWriters(t *testing.T) {
	inFlight := 0
	for range 20 {
		b := newBox(t, "")
		last := killWriter(b)
		state, err := b.Load()
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		n, _ := strconv.Atoi(state.ClientID)
		if n != last && n != last+1 {
			t.Fatalf("state %d is on disk, %d was acknowledged last", n, last)
		}
		if n > last {
			inFlight++
		}
		if n == 0 {
			b.wantFiles()
			continue
		}
		want, names := numbered(n), []string{"state.toml"}
		if state.Servers == nil {
			want.Servers = nil // the writer was killed between its two files
		} else {
			names = []string{"servers.toml", "state.toml"}
		}
		b.wantState(want)
		b.save(want)
		b.wantFiles(names...)
	}
	t.Logf("%d of 20 were killed between rename and acknowledgement", inFlight)
}

// killWriter lets a child save for a random while, kills it and returns the
// number of the last state it acknowledged.
func killWriter(b box) int {
	b.Helper()
	cmd := child("endless", b.path)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	last := 0
	if rand.IntN(10) > 0 && lines.Scan() {
		last, _ = strconv.Atoi(lines.Text())
	}
	<-time.After(rand.N(40 * time.Millisecond))
	if err := cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	for lines.Scan() {
		last, _ = strconv.Atoi(lines.Text())
	}
	_ = cmd.Wait() // it was killed
	return last
}
