// SPDX-License-Identifier: Apache-2.0

// Command godbus is the least that a D-Bus service in Go can be, written as
// godbus wants it: it takes a name, says READY=1 and answers GetAuthHeaders with
// the names and values that follow on its command line.
package main

import (
	"log"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/godbus/dbus/v5"
)

// credentials has the methods of the interface.
type credentials struct{ headers map[string]string }

// GetAuthHeaders is called by godbus, by reflection.
func (c credentials) GetAuthHeaders() (map[string]string, *dbus.Error) { return c.headers, nil }

func main() {
	headers := map[string]string{}
	for i := 2; i+1 < len(os.Args); i += 2 {
		headers[os.Args[i]] = os.Args[i+1]
	}
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.Export(credentials{headers}, "/tv/retune/PlexAuth1", "tv.retune.PlexAuth1.Credentials"); err != nil {
		log.Fatal(err)
	}
	if _, err := conn.RequestName(os.Args[1], dbus.NameFlagDoNotQueue); err != nil {
		log.Fatal(err)
	}
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Fatal(err)
	}
	<-conn.Context().Done()
}
