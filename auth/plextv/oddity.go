// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"sync"
	"time"
)

// toldAgainAfter is how often at most a field that cannot be read is logged.
const toldAgainAfter = time.Hour

// oddities remembers which fields have been logged.
type oddities struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// noteOdd logs that a field of an answer could not be read: the rest of it is used.
func (c *Client) noteOdd(field string) {
	now := c.clock.Now()
	c.oddities.mu.Lock()
	defer c.oddities.mu.Unlock()
	told, ok := c.oddities.told[field]
	if gone := now.Sub(told); ok && gone >= 0 && gone < toldAgainAfter {
		return
	}
	if c.oddities.told == nil {
		c.oddities.told = make(map[string]time.Time)
	}
	c.oddities.told[field] = now
	c.log.Info("ignoring a field of plex.tv's answer that cannot be read", "field", field)
}
