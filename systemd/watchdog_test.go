// SPDX-License-Identifier: Apache-2.0

package systemd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/systemd"
)

const interval = 4 * time.Second

// askWatchdog sets what the service manager sets for a process with a watchdog.
func askWatchdog(t *testing.T, usec string, pid int) {
	t.Setenv("WATCHDOG_USEC", usec)
	t.Setenv("WATCHDOG_PID", strconv.Itoa(pid))
}

// watched is a running Watch whose questions the test answers.
type watched struct {
	t         *testing.T
	clock     *clockwork.FakeClock
	questions chan context.Context
	answers   chan error
	log       logLines
	stop      func()
}

// logLines passes on every line that is logged.
type logLines chan string

func (l logLines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

func watch(t *testing.T) *watched {
	t.Helper()
	askWatchdog(t, strconv.FormatInt(interval.Microseconds(), 10), os.Getpid())
	w := &watched{t: t, clock: clockwork.NewFakeClock(), questions: make(chan context.Context), answers: make(chan error), log: make(logLines, 16)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	w.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		n := systemd.NewNotifier(slog.New(slog.NewTextHandler(w.log, nil)))
		n.Watch(ctx, w.clock, func(ctx context.Context) error {
			w.questions <- ctx
			return <-w.answers
		})
	}()
	w.waitTimers(1)
	return w
}

// waitTimers waits until n timers run: the ticker, and the limits of the
// questions asked up to now within the last quarter of an interval.
func (w *watched) waitTimers(n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if err := w.clock.BlockUntilContext(ctx, n); err != nil {
		w.t.Fatal(err)
	}
}

// question lets half of an interval pass and takes the question then asked.
func (w *watched) question() context.Context {
	w.clock.Advance(interval / 2)
	return <-w.questions
}

func TestWatchPingsWhileAlive(t *testing.T) {
	m := newManager(t)
	w := watch(t)
	for range 3 {
		w.clock.Advance(interval/2 - time.Millisecond)
		select {
		case <-w.questions:
			t.Fatal("asked before half of the interval")
		default:
		}
		w.clock.Advance(time.Millisecond)
		<-w.questions
		w.answers <- nil
		if got := m.next(t); got != "WATCHDOG=1" {
			t.Fatalf("sent %q", got)
		}
	}
	w.stop()
	if len(w.log) > 0 {
		t.Errorf("logged %s", <-w.log)
	}
}

func TestWatchStopsAndResumes(t *testing.T) {
	m := newManager(t)
	w := watch(t)
	w.question()
	w.answers <- errors.New("no loop")
	if line := <-w.log; !strings.Contains(line, "pings stop") || !strings.Contains(line, "no loop") {
		t.Errorf("logged %s", line)
	}
	w.question()
	w.answers <- errors.New("still no loop")
	late := w.question()
	w.waitTimers(2)
	w.clock.Advance(interval / 4)
	<-late.Done()
	w.answers <- nil // too late to count
	w.clock.Advance(interval / 4)
	<-w.questions
	systemd.NewNotifier(slog.New(slog.DiscardHandler)).Status("no ping before this")
	if got := m.next(t); got != "STATUS=no ping before this" {
		t.Fatalf("sent %q", got)
	}
	w.answers <- nil
	if got := m.next(t); got != "WATCHDOG=1" {
		t.Fatalf("sent %q", got)
	}
	w.stop()
	if line := <-w.log; !strings.Contains(line, "pings resume") || len(w.log) > 0 {
		t.Errorf("logged %s and %d lines more", line, len(w.log))
	}
}

func TestWatchEndsWithAQuestionOpen(t *testing.T) {
	newManager(t)
	w := watch(t)
	ctx := w.question()
	w.stop()
	<-ctx.Done()
	w.answers <- nil
	if len(w.log) > 0 {
		t.Errorf("a daemon that stops was called stuck: %s", <-w.log)
	}
}

func TestWatchNotAskedFor(t *testing.T) {
	for _, c := range []struct {
		usec string
		pid  int
		want string
	}{
		{"", os.Getpid(), ""},
		{"4000000", os.Getpid() + 1, ""},
		{"soon", os.Getpid(), "level=WARN"},
	} {
		askWatchdog(t, c.usec, c.pid)
		var out bytes.Buffer
		n := systemd.NewNotifier(slog.New(slog.NewTextHandler(&out, nil)))
		n.Watch(t.Context(), clockwork.NewFakeClock(), nil) // or the test never ends
		if got := out.String(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("WATCHDOG_USEC=%s: logged %q", c.usec, got)
		}
	}
}
