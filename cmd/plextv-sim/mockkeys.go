// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// bobsPIN is that of the protected user of the Plex Home.
const bobsPIN = "1234"

// orderTimeout is for what the daemon has to ask plex.tv, which may be offline.
const orderTimeout = 30 * time.Second

// order is something to do on the other side.
type order struct {
	key, name, meaning string
	run                func(*mock, context.Context) (said string, err error)
}

func orders() []order {
	return []order{
		{"c", "claim", "somebody enters the code at plex.tv/link", (*mock).claim},
		{"e", "expire", "the code's time runs out", (*mock).expire},
		{"r", "revoke", "all tokens are revoked; plexauthd believes it after a minute", (*mock).revoke},
		{"d", "remove-device", "the box is removed from the account's devices", (*mock).removeDevice},
		{"o", "offline", "plex.tv is out of reach", (*mock).offline},
		{"l", "rate-limit", "plex.tv wants fewer requests", (*mock).rateLimit},
		{"b", "back", "plex.tv is back, after o and l", (*mock).back},
		{"u", "switch-user", "the next user of the Plex Home uses the box", (*mock).switchUser},
		{"h", "help", "lists the keys", func(*mock, context.Context) (string, error) { return strings.TrimSuffix(keyHelp(), "\n"), nil }},
	}
}

func keyHelp() string {
	var text strings.Builder
	for _, o := range orders() {
		_, _ = fmt.Fprintf(&text, "  %s  %-13s  %s\n", o.key, o.name, o.meaning)
	}
	_, _ = fmt.Fprintf(&text, "  q  %-13s  ends daemon and simulator\n", "quit")
	return text.String()
}

func (m *mock) obey(ctx context.Context, given string) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	for _, o := range orders() {
		if given != o.key && given != o.name {
			continue
		}
		said, err := o.run(m, ctx)
		if err != nil {
			said = o.name + " failed: " + err.Error()
		}
		m.say("%s", said)
		return
	}
	m.say("%.20q is not a key; h lists the keys", given)
}

// waiting is the newest code that nobody has entered yet.
func (m *mock) waiting() (code string, err error) {
	pins := m.sim.Pins()
	for i := len(pins) - 1; i >= 0; i-- {
		if pins[i].ClaimedAt.IsZero() && time.Now().Before(pins[i].ExpiresAt) {
			return pins[i].Code, nil
		}
	}
	return "", errors.New("no code is waiting: have the frontend ask for one")
}

func (m *mock) claim(context.Context) (string, error) {
	code, err := m.waiting()
	if err == nil {
		err = m.sim.Claim(code, "")
	}
	return "claimed " + code, err
}

func (m *mock) expire(context.Context) (string, error) {
	code, err := m.waiting()
	if err == nil {
		err = m.sim.ExpirePin(code)
	}
	return "expired " + code, err
}

func (m *mock) revoke(ctx context.Context) (string, error) { return m.end(ctx, "revoke") }

func (m *mock) removeDevice(ctx context.Context) (string, error) { return m.end(ctx, "remove-device") }

// end gives the simulator an order that ends tokens, and makes the daemon check: on
// its own it asks about its token once a day.
func (m *mock) end(ctx context.Context, order string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.control+order, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	said := strings.TrimSpace(string(text))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(said)
	}
	if err != nil {
		return "", err
	}
	_, err = m.client.Validate(ctx)
	if client.CodeOf(err) == client.AuthRequired {
		err = nil
	}
	return said, err
}

func (m *mock) offline(context.Context) (string, error) {
	m.sim.Clear()
	m.sim.Fail(plextvsim.Fault{Reset: true})
	return "plex.tv is out of reach", nil
}

func (m *mock) rateLimit(context.Context) (string, error) {
	m.sim.Clear()
	m.sim.Fail(plextvsim.Fault{Status: http.StatusTooManyRequests, RetryAfter: "10"})
	return "plex.tv wants a pause of ten seconds after every request", nil
}

func (m *mock) back(context.Context) (string, error) {
	m.sim.Clear()
	return "plex.tv is back", nil
}

func (m *mock) switchUser(ctx context.Context) (string, error) {
	users, err := m.client.HomeUsers(ctx)
	if err != nil {
		return "", err
	}
	current, err := m.client.CurrentUser(ctx)
	if err != nil || len(users) == 0 {
		return "", err
	}
	next := users[0]
	for i, user := range users {
		if user.UUID == current.UUID {
			next = users[(i+1)%len(users)]
		}
	}
	pin := secret.String{}
	if next.Protected {
		pin = secret.New(bobsPIN)
	}
	return next.Title + " uses the box", m.client.SwitchUser(ctx, next.UUID, pin)
}

// readOrders sends each key on a terminal, each line otherwise. restore gives the
// terminal back.
func readOrders(stdin *os.File) (given <-chan string, restore func(), err error) {
	split, restore := bufio.ScanLines, func() {}
	if fd := int(stdin.Fd()); term.IsTerminal(fd) {
		before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return nil, nil, fmt.Errorf("setting the terminal up: %w", err)
		}
		single := *before
		single.Lflag &^= unix.ICANON | unix.ECHO
		single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 1, 0
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, &single); err != nil {
			return nil, nil, fmt.Errorf("setting the terminal up: %w", err)
		}
		split, restore = bufio.ScanRunes, func() { _ = unix.IoctlSetTermios(fd, unix.TCSETSF, before) }
	}
	scanner, orders := bufio.NewScanner(stdin), make(chan string)
	scanner.Split(split)
	go func() {
		defer close(orders)
		for scanner.Scan() {
			if text := strings.TrimSpace(scanner.Text()); text != "" {
				orders <- text
			}
		}
	}()
	return orders, restore, nil
}
