// Command minimal is the least that a D-Bus service in Go can be: it takes a
// name, says READY=1 and does nothing. The benchmarks compare plexauthd with it.
package main

import (
	"log"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/godbus/dbus/v5"
)

func main() {
	conn, err := dbus.Connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if _, err := conn.RequestName("tv.retune.Minimal", dbus.NameFlagDoNotQueue); err != nil {
		log.Fatal(err)
	}
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Fatal(err)
	}
	<-conn.Context().Done()
}
