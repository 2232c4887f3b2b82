// SPDX-License-Identifier: Apache-2.0

package systemd_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/systemd"
)

// entry is what the journal was sent.
type entry struct {
	Message  string
	Priority journal.Priority
	Fields   map[string]string
}

// connectToJournal says, as the service manager does, that the standard error
// of this process leads to the journal.
func connectToJournal(t *testing.T) {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Fstat(syscall.Stderr, &stat); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
}

// journalled logs to a journal that takes everything.
func journalled(t *testing.T, level slog.Level, log func(*slog.Logger)) []entry {
	t.Helper()
	connectToJournal(t)
	var entries []entry
	var text bytes.Buffer
	var least slog.LevelVar
	least.Set(level)
	log(systemd.NewLogger(systemd.Options{Stderr: &text, Level: &least,
		Send: func(message string, priority journal.Priority, fields map[string]string) error {
			entries = append(entries, entry{message, priority, fields})
			return nil
		}}))
	if text.Len() > 0 {
		t.Errorf("text besides the journal: %s", &text)
	}
	return entries
}

func TestJournalFields(t *testing.T) {
	at := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	got := journalled(t, slog.LevelInfo, func(log *slog.Logger) {
		log.Info("plain")
		log.With("message_id", "c7a8", "pin_id", 7).Info("two\nlines", "err", errors.New("no route"), "took", time.Second, "at", at)
		log.With("a", 1).WithGroup("http").With("b", 2).Info("groups", "status-code", 200, "message_id", "x",
			slog.Group("tls", "ok", true), slog.Group("", "inline", 1), slog.Group("empty"), slog.Attr{})
		log.Info("unusual", "größe_", 1, "_x", 2)
		log.Info("read again", "changed", "log.level")
		log.Info("failed", "error", errors.New("no route"))
	})
	id := func(more map[string]string) map[string]string {
		more["SYSLOG_IDENTIFIER"] = "plexauthd"
		return more
	}
	want := []entry{
		{"plain", journal.PriInfo, id(map[string]string{})},
		{"two\nlines", journal.PriInfo, id(map[string]string{"MESSAGE_ID": "c7a8", "PLEXAUTHD_PIN_ID": "7",
			"PLEXAUTHD_ERR": "no route", "PLEXAUTHD_TOOK": "1s", "PLEXAUTHD_AT": "2026-01-15T12:00:00Z"})},
		{"groups", journal.PriInfo, id(map[string]string{"PLEXAUTHD_A": "1", "PLEXAUTHD_HTTP_B": "2", "PLEXAUTHD_HTTP_STATUS_CODE": "200",
			"PLEXAUTHD_HTTP_MESSAGE_ID": "x", "PLEXAUTHD_HTTP_TLS_OK": "true", "PLEXAUTHD_HTTP_INLINE": "1"})},
		{"unusual", journal.PriInfo, id(map[string]string{"PLEXAUTHD_GR__E_": "1", "PLEXAUTHD__X": "2"})},
		{"read again: log.level", journal.PriInfo, id(map[string]string{"PLEXAUTHD_CHANGED": "log.level"})},
		{"failed: no route", journal.PriInfo, id(map[string]string{"PLEXAUTHD_ERROR": "no route"})},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJournalLevels(t *testing.T) {
	var got []journal.Priority
	entries := journalled(t, slog.LevelDebug, func(log *slog.Logger) {
		for _, level := range []slog.Level{slog.LevelDebug - 1, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, slog.LevelError + 4} {
			log.Log(t.Context(), level, "m")
		}
	})
	for _, e := range entries {
		got = append(got, e.Priority)
	}
	want := []journal.Priority{journal.PriDebug, journal.PriInfo, journal.PriWarning, journal.PriErr, journal.PriErr}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// lazy is a value that resolves to a group with a secret.
type lazy struct{ token secret.String }

func (l lazy) LogValue() slog.Value { return slog.GroupValue(slog.Any("token", l.token)) }

func TestSecretsStayRedacted(t *testing.T) {
	token := secret.New("tok-Zx81aQ")
	entries := journalled(t, slog.LevelInfo, func(log *slog.Logger) {
		log.With("token", token).Info("m", "lazy", lazy{token}, "list", []secret.String{token})
	})
	want := []entry{{"m", journal.PriInfo, map[string]string{"SYSLOG_IDENTIFIER": "plexauthd", "PLEXAUTHD_TOKEN": "[redacted]",
		"PLEXAUTHD_LAZY_TOKEN": "[redacted]", "PLEXAUTHD_LIST": "[[redacted]]"}}}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
}

func TestText(t *testing.T) {
	refuse := func(string, journal.Priority, map[string]string) error { return errors.New("no journal") }
	unused := func(string, journal.Priority, map[string]string) error { t.Error("sent to the journal"); return nil }
	for name, c := range map[string]struct {
		stream string
		send   systemd.Send
	}{
		"terminal":                {"", unused},
		"journal of someone else": {"0:0", unused},
		"broken environment":      {"x", unused},
		"journal that refuses":    {"own", refuse},
	} {
		t.Setenv("JOURNAL_STREAM", c.stream)
		if c.stream == "own" {
			connectToJournal(t)
		}
		var out bytes.Buffer
		var level slog.LevelVar
		log := systemd.NewLogger(systemd.Options{Stderr: &out, Level: &level, Send: c.send})
		log.Debug("not yet")
		log.With("a", 1, "message_id", "c7a8").WithGroup("g").With("b", 2).Info("hello there", "message_id", "x", "time", time.Unix(0, 0).UTC(), "t", secret.New("tok"))
		level.Set(slog.LevelDebug)
		log.Debug("now")
		want := `^time=\d\d:\d\d:\d\d level=INFO msg="hello there" a=1 g\.b=2 g\.message_id=x g\.time=1970-01-01T00:00:00\.000Z g\.t=\[redacted\]
time=\d\d:\d\d:\d\d level=DEBUG msg=now
$`
		if got := out.String(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: wrote %s", name, got)
		}
	}
}

// Where no journal runs, the default falls back too; where one runs, it takes
// the line.
func TestDefaultSend(t *testing.T) {
	connectToJournal(t)
	var out bytes.Buffer
	systemd.NewLogger(systemd.Options{Stderr: &out, Level: new(slog.LevelVar)}).Info("a line of plexauthd's tests")
	if written := out.Len() > 0; written == journal.Enabled() {
		t.Errorf("journal runs: %v; text: %q", journal.Enabled(), &out)
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo,
		"warning": slog.LevelWarn, "warn": slog.LevelWarn, "error": slog.LevelError} {
		if got, err := systemd.ParseLevel(text); err != nil || got != want {
			t.Errorf("ParseLevel(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "INFO", "trace", "info "} {
		if got, err := systemd.ParseLevel(text); err == nil {
			t.Errorf("ParseLevel(%q) = %v", text, got)
		}
	}
}
