// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// asProgram makes a process of these tests the program itself.
const asProgram = "PLEXAUTHD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// logReader reads what the program writes to standard error, until it is closed.
type logReader struct {
	*os.File
	lines *bufio.Scanner
}

func newLogReader(t *testing.T, fifo string) logReader {
	t.Helper()
	file, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return logReader{file, bufio.NewScanner(file)}
}

// await reads lines until one has the text.
func (r logReader) await(t *testing.T, text string) {
	t.Helper()
	for r.lines.Scan() {
		if strings.Contains(r.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("the program has not logged %q: %v", text, r.lines.Err())
}

// TestLogReaderThatGoesAway closes standard error's other end and opens it again.
func TestLogReaderThatGoesAway(t *testing.T) {
	bus, fifo := bustest.Session(t), filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader := newLogReader(t, fifo)
	stderr, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "--bus", bus.Address, "--state", filepath.Join(t.TempDir(), "state", "state.toml"),
		"--plex-url", "http://127.0.0.1:1", "--log-level", "debug")
	cmd.Env, cmd.Stderr = append(os.Environ(), asProgram+"=1", "JOURNAL_STREAM=", "NOTIFY_SOCKET="), stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	_ = stderr.Close()
	reader.await(t, "msg=serving")

	conn, err := dbus.Connect(bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ping := func() { // which the program logs before it answers
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := conn.Object(names.Bus, names.Path).CallWithContext(ctx, names.Peer+".Ping", 0).Err; err != nil {
			t.Fatalf("the program does not answer any more: %v", err)
		}
	}
	_ = reader.Close()
	ping()
	ping()
	reader = newLogReader(t, fifo)
	defer reader.Close()
	ping()
	reader.await(t, "member=Ping")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
