// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// resource is a server as plex.tv describes it.
type resource struct {
	AccessToken string
	Connections []struct {
		Address, URI string
		Port         int
		Local        bool
	}
}

func TestMediaServerOverTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := start(t, "--media-server", "127.0.0.1:0", "--tls", "--ca-file", file, "--claim-after", "1ms")
	url := p.line("media server on ")
	client := trusting(t, file)

	var requested pin
	p.send(client, "POST", "/api/v2/pins", &requested)
	p.line("PIN " + requested.Code + " requested")
	p.line("PIN " + requested.Code + " claimed")
	token := p.check(client, requested.ID).AuthToken
	var resources []resource
	p.send(client, "GET", "/api/v2/resources?X-Plex-Token="+token, &resources)
	mine := resources[0]
	if len(mine.Connections) != 1 || mine.Connections[0].URI != url || !mine.Connections[0].Local ||
		mine.Connections[0].Address != "127.0.0.1" || mine.Connections[0].Port == 0 {
		t.Fatalf("media server on %s, connections %v", url, mine.Connections)
	}
	for path, want := range map[string]int{
		"/identity": 200, "/library/sections": 401, "/library/sections?X-Plex-Token=" + mine.AccessToken: 200,
	} {
		response, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("%s: %s (%v), want %d", path, response.Status, err, want)
		}
	}
	p.send(client, "POST", "/sim/rotate-server-tokens", nil)
	p.send(client, "POST", "/sim/home-user?user=kid", nil)
	p.end(syscall.SIGTERM)
	if token == "" || strings.Contains(p.printed, token) {
		t.Errorf("the token %q was printed:\n%s", token, p.printed)
	}
}
