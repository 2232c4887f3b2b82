// SPDX-License-Identifier: Apache-2.0

// Package systemd speaks to the service manager: it reports how the service
// is doing (sd_notify(3)), keeps the watchdog satisfied while the daemon is
// alive, and logs to the journal. Outside systemd all of it falls back to
// nothing or to plain text.
package systemd

import (
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells the service manager about this service with the messages of
// sd_notify(3). Where NOTIFY_SOCKET is not set it does nothing. A message that
// cannot be sent is logged at debug level and forgotten: no service should
// fail because nobody listens. Safe for concurrent use.
type Notifier struct {
	log *slog.Logger
}

// NewNotifier returns a Notifier that logs its own troubles to log.
func NewNotifier(log *slog.Logger) *Notifier {
	return &Notifier{log: log}
}

// Ready says that start-up, or a reload announced by [Notifier.Reloading], is
// finished, and sets the status line.
func (n *Notifier) Ready(status string) {
	n.send(daemon.SdNotifyReady + "\n" + statusLine(status))
}

// Status sets the line that systemctl status shows. Line breaks and runs of
// white space become one space.
func (n *Notifier) Status(text string) {
	n.send(statusLine(text))
}

// Reloading says that the configuration is being read again. The message has
// the time of the monotonic clock, which Type=notify-reload requires.
// [Notifier.Ready] must follow.
func (n *Notifier) Reloading() {
	n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the service begins to shut down, and sets the status line.
func (n *Notifier) Stopping(status string) {
	n.send(daemon.SdNotifyStopping + "\n" + statusLine(status))
}

// Watchdog says that the service is alive. [Notifier.Watch] does so regularly.
func (n *Notifier) Watchdog() {
	n.send(daemon.SdNotifyWatchdog)
}

func (n *Notifier) send(message string) {
	// The environment stays as it is, because later messages need it too.
	if _, err := daemon.SdNotify(false, message); err != nil {
		n.log.Debug("cannot notify the service manager", "error", err)
	}
}

// statusLine makes text one line: a line break would begin another variable
// of the message.
func statusLine(text string) string {
	return "STATUS=" + strings.Join(strings.Fields(text), " ")
}
