// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// fieldPrefix keeps the daemon's fields apart from those that the journal
// gives a meaning to.
const fieldPrefix = "PLEXAUTHD_"

// messageID is the attribute with the kind of an event.
const messageID = "message_id"

// journalHandler sends records to the journal, and to text those that the
// journal does not take. It is immutable: With… return changed copies.
type journalHandler struct {
	send   Send
	text   slog.Handler
	prefix string            // of the fields in the current group
	fields map[string]string // of WithAttrs
}

func (h journalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	fields := maps.Clone(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		addField(fields, h.prefix, a)
		return true
	})
	if err := h.send(sentence(r.Message, fields), priority(r.Level), fields); err != nil {
		return h.text.Handle(ctx, r)
	}
	return nil
}

// sentence adds to a message what a person who reads only messages must know:
// journalctl and systemctl status show no fields.
func sentence(message string, fields map[string]string) string {
	for _, key := range []string{"CHANGED", "ERROR"} {
		if text := fields[fieldPrefix+key]; text != "" {
			message += ": " + text
		}
	}
	return message
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.fields = maps.Clone(h.fields)
	for _, a := range attrs {
		addField(h.fields, h.prefix, a)
	}
	h.text = h.text.WithAttrs(attrs)
	return h
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	h.prefix = groupPrefix(h.prefix, name)
	h.text = h.text.WithGroup(name)
	return h
}

// addField adds a, which may be a group, to fields. Values are resolved, so that a
// secret stays redacted.
func addField(fields map[string]string, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	switch {
	case value.Kind() == slog.KindGroup:
		for _, member := range value.Group() {
			addField(fields, groupPrefix(prefix, a.Key), member)
		}
	case a.Equal(slog.Attr{}): // which slog.Handler asks to ignore
	case a.Key == messageID && prefix == fieldPrefix:
		fields["MESSAGE_ID"] = value.String()
	case value.Kind() == slog.KindTime:
		fields[prefix+fieldName(a.Key)] = value.Time().Format(time.RFC3339Nano)
	default:
		fields[prefix+fieldName(a.Key)] = value.String()
	}
}

// groupPrefix is prefix within a group. The members of a group without a
// name belong to the group around it.
func groupPrefix(prefix, group string) string {
	if group == "" {
		return prefix
	}
	return prefix + fieldName(group) + "_"
}

// fieldName spells key with what systemd.journal-fields(7) allows: upper-case
// ASCII letters, digits and underscores.
func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(key))
}

func priority(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
