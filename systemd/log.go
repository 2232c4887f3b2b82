// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/coreos/go-systemd/v22/journal"
)

// Send passes one message with its fields to the journal, as
// [journal.Send] does.
type Send func(message string, priority journal.Priority, fields map[string]string) error

// Options say where a logger of [NewLogger] writes.
type Options struct {
	// Stderr takes plain text: always when the standard error of the process
	// does not lead to the journal, else whatever the journal does not take.
	Stderr io.Writer
	// Level is the lowest level that is logged. It may change at any time.
	Level *slog.LevelVar
	// Send replaces [journal.Send] if not nil.
	Send Send
}

// NewLogger returns a logger for a service. When JOURNAL_STREAM says that the
// standard error of the process leads to the journal, records go there with
// their attributes as fields: the attribute pin_id in the group http becomes
// PLEXAUTHD_HTTP_PIN_ID; only message_id outside groups keeps the name that
// the journal knows it by, MESSAGE_ID. Otherwise, and when the journal does not
// take a record, it is a line of text on Stderr, without message_id.
func NewLogger(o Options) *slog.Logger {
	text := slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: textAttr})
	// An invalid JOURNAL_STREAM counts as none.
	if journalled, err := journal.StderrIsJournalStream(); err != nil || !journalled {
		return slog.New(text)
	}
	send := o.Send
	if send == nil {
		send = journal.Send
	}
	return slog.New(journalHandler{
		send:   send,
		text:   text,
		prefix: fieldPrefix,
		fields: map[string]string{"SYSLOG_IDENTIFIER": "plexauthd"},
	})
}

// ParseLevel reads a level as it is written in the configuration: debug, info,
// warning (or warn) or error.
func ParseLevel(text string) (slog.Level, error) {
	switch text {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warning", "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log level %q is not debug, info, warning or error", text)
}

// textAttr shortens times to the time of day, because readers of a terminal know
// the date, and drops the message id, which only the journal can look up.
func textAttr(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == messageID:
		return slog.Attr{}
	case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
		a.Value = slog.StringValue(a.Value.Time().Format("15:04:05"))
	}
	return a
}
