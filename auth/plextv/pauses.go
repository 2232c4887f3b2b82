// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"slices"
	"strings"
	"time"
)

// worthKeeping is how long a pause has to be for [Client.Pauses].
const worthKeeping = time.Minute

// OnPause has f called when plex.tv has asked for a pause of more than a minute, and
// when the first answer comes after it. The goroutine that asked calls it. Call OnPause
// before the first question.
func (c *Client) OnPause(f func()) { c.onPause = f }

// Pauses returns which questions plex.tv wants a pause for and until when, as text
// for [Client.Resume]; "" for none. Pauses of up to a minute are not worth it.
func (c *Client) Pauses() string {
	now := c.clock.Now()
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	var lines []string
	for kind, p := range c.limit.kinds {
		if left := p.left(now); left > worthKeeping {
			lines = append(lines, kind+" until "+now.Add(left).UTC().Format(time.RFC3339Nano))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// Resume restores the pauses of an earlier client. The clock may have been set, so
// none is longer than plex.tv can ask for. What cannot be read is left out.
func (c *Client) Resume(pauses string) {
	now := c.clock.Now()
	for _, line := range strings.Split(pauses, ", ") {
		kind, text, _ := strings.Cut(line, " until ")
		until, err := time.Parse(time.RFC3339, text)
		if err == nil {
			c.limit.resume(kind, min(until.Sub(now), longestRetryAfter), now)
		}
	}
}
