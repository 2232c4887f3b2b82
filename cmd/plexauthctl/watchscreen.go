// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// keptEvents is how many past events the live view remembers; a terminal shows
// as many of them as it has room for.
const keptEvents = 100

// liveView shows the status and the latest events.
type liveView struct {
	*fullScreen
	program *program
	status  client.Status
	running bool        // the daemon
	user    client.User // as far as this user may know
	events  []string    // newest last
}

// showLive draws until the watch or ctx ends.
func (p *program) showLive(ctx context.Context, c *client.Client, watch *client.Watch) error {
	screen, err := p.openFullScreen()
	if err != nil {
		return err
	}
	defer screen.close()
	v := &liveView{fullScreen: screen, program: p}
	ticker := p.clock.NewTicker(time.Second)
	defer ticker.Stop()
	for p.out.err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		case <-v.resized:
		case event, ok := <-watch.Events:
			if !ok {
				return watch.Err()
			}
			v.take(event)
			if event.Kind == client.Snapshot || event.Kind == client.AuthChanged {
				v.user, _ = p.userIfAllowed(ctx, c, event.Status) // without: no name is shown
			}
		}
		v.show()
	}
	return p.out.err
}

func (v *liveView) take(e client.Event) {
	words := v.program.clock.Now().Format(time.TimeOnly) + "  " + plain(eventWords(v.status, e))
	v.events = append(v.events, words)
	v.events = v.events[max(0, len(v.events)-keptEvents):]
	v.status, v.running = e.Status, e.Kind != client.Gone
}

func (v *liveView) show() {
	v.measure()
	const end = "Ctrl-C ends"
	lines := v.state()
	emphasised := append([]string{bold(lines[0])}, lines[1:]...)
	for first := range v.events {
		events := append([]string{""}, v.events[first:]...)
		if v.fits(append(append(lines[:len(lines):len(lines)], events...), "", end)) {
			emphasised = append(emphasised, events...)
			break
		}
	}
	v.draw(append(emphasised, "", end))
}

// state returns the lines about the properties.
func (v *liveView) state() []string {
	if !v.running {
		return []string{"plexauthd is not running"}
	}
	s := v.status
	lines := []string{stateWords(s, v.user)}
	if s.Pin.ID != 0 {
		left := max(0, s.Pin.ExpiresAt.Sub(v.program.clock.Now()))
		lines = append(lines, "Pairing: "+pairingWords(s.Pin)+", "+minutes(left)+" left")
	}
	if s.SelectedServer != (client.Server{}) {
		lines = append(lines, "Server:  "+plain(s.SelectedServer.URI)+" ("+plain(s.SelectedServer.MachineID)+")")
	}
	if !s.TokenExpiresAt.IsZero() {
		lines = append(lines, "Token:   valid until "+s.TokenExpiresAt.Format(time.DateTime))
	}
	return append(lines, "Daemon:  plexauthd "+plain(s.Version)+", mode "+plain(s.AuthMode))
}
