// SPDX-License-Identifier: Apache-2.0

//go:build rig

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// crowd calls from n connections at the same moment and fails unless all are answered.
func crowd(n int) error {
	start, answers := make(chan struct{}), make(chan error, n)
	for range n {
		conn, plex, err := connect()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			<-start
			answers <- plex.Call(names.Credentials+".GetAuthHeaders", 0).Err
		}()
	}
	close(start)
	var failed error
	for range n {
		failed = errors.Join(failed, <-answers)
	}
	return failed
}

// listen prints everything that this connection can get to see, until standard
// input ends.
func listen() error {
	conn, _, err := connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	rules := []string{"", "type='signal'", "eavesdrop='true'", "type='method_call',eavesdrop='true'", "type='method_return',eavesdrop='true'"}
	for _, rule := range rules {
		// A bus that refuses to let others eavesdrop is as good.
		_ = conn.BusObject().Call("org.freedesktop.DBus.AddMatch", 0, rule).Err
	}
	// From here on even answers to this connection's own calls go there.
	messages := make(chan *dbus.Message, 1024)
	conn.Eavesdrop(messages)
	fmt.Println("listening")
	go func() {
		for m := range messages {
			fmt.Println(m, m.Body)
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// post sends a POST request without a body and prints the answer.
func post(url string) error {
	answer, err := http.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fmt.Println(strings.TrimSpace(string(text)))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	return err
}
