// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
)

// connections are the addresses of a media server, in plex.tv's order within each
// kind.
type connections struct {
	local, direct, relay []string
	readable             bool // an empty list is
	odd                  bool // something cannot be read
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *connections) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' {
		c.odd = raw[0] != 'n'
		return nil
	}
	some := false
	err := readEntries(bytes.NewReader(raw), func(entry []byte) error {
		some = true
		if !c.add(entry) {
			c.odd = true
		}
		return nil
	})
	c.readable = err == nil && (!some || len(c.local)+len(c.direct)+len(c.relay) > 0)
	return nil
}

// add takes one address, and reports whether it can be read.
func (c *connections) add(entry []byte) bool {
	var body struct {
		URI   loose `json:"uri"`
		Local loose `json:"local"`
		Relay loose `json:"relay"`
	}
	if json.Unmarshal(entry, &body) != nil {
		return false
	}
	uri, err := body.URI.word("uri", maxText)
	if err != nil || !isServerURI(uri) {
		return false
	}
	kind := &c.direct
	switch {
	case body.Relay.truth():
		kind = &c.relay
	case body.Local.truth():
		kind = &c.local
	}
	if len(*kind) < maxConnections {
		*kind = append(*kind, uri)
	}
	return true
}

// merge adds what other has and c has not.
func (c *connections) merge(other connections) {
	for to, from := range map[*[]string][]string{&c.local: other.local, &c.direct: other.direct, &c.relay: other.relay} {
		for _, uri := range from {
			if !slices.Contains(*to, uri) && len(*to) < maxConnections {
				*to = append(*to, uri)
			}
		}
	}
}

// uris are the addresses to try, in this order: a local one is the fastest, and a
// relay works where none else does.
func (c *connections) uris() []string {
	relay := c.relay[:min(len(c.relay), maxRelays)]
	local := c.local[:min(len(c.local), maxConnections-len(relay))]
	direct := c.direct[:min(len(c.direct), maxConnections-len(relay)-len(local))]
	return slices.Concat(local, direct, relay)
}

func isServerURI(text string) bool {
	uri, err := url.Parse(text)
	return err == nil && (uri.Scheme == "http" || uri.Scheme == "https") && uri.Hostname() != "" && uri.User == nil
}
