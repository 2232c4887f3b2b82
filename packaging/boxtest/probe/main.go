// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Command probe is the caller of the box tests: it runs inside a box, as
// whatever user the test wants, and does to plexauthd what other programs on a
// box do or should not be able to do.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: probe members|crowd N|flood PID N|vanish|listen|post URL"))
	}
	var err error
	switch args := os.Args[2:]; os.Args[1] {
	case "members":
		err = callMembers()
	case "crowd":
		err = crowd(number(args[0]))
	case "flood":
		err = flood(number(args[0]), number(args[1]))
	case "vanish":
		err = vanish()
	case "listen":
		err = listen()
	case "post":
		err = post(args[0])
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "probe:", err)
	os.Exit(1)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return n
}

// connect opens a new connection to the system bus.
func connect() (*dbus.Conn, dbus.BusObject, error) {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.Object(names.Bus, names.Path), nil
}
