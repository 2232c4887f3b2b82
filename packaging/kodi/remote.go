// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"
)

// window is the condition that the sign-in screen is there.
const window = "Window.IsVisible(script-plexauthd.xml)"

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (k *Kodi) connect(port int) {
	k.t.Helper()
	k.await("Kodi listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			k.conn, k.answers = conn, json.NewDecoder(conn)
		}
		return err == nil
	})
	k.t.Cleanup(func() { _ = k.conn.Close() })
}

// Call calls a JSON-RPC method of Kodi's.
func (k *Kodi) Call(method string, params, result any) {
	k.t.Helper()
	k.calls++
	id := k.calls
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	must(k.t, err)
	must(k.t, k.conn.SetDeadline(time.Now().Add(patience)))
	_, err = k.conn.Write(request)
	must(k.t, err)
	for {
		var answer struct {
			ID     int64
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := k.answers.Decode(&answer); err != nil {
			k.t.Fatalf("%s: %v", method, err)
		}
		if answer.ID != id {
			continue // a notification
		}
		if answer.Error != nil {
			k.t.Fatalf("%s: %s", method, answer.Error)
		}
		if result != nil {
			must(k.t, json.Unmarshal(answer.Result, result))
		}
		return
	}
}

// Input presses a key of the remote: Select, Back, Left...
func (k *Kodi) Input(key string) {
	k.t.Helper()
	k.Call("Input."+key, map[string]any{}, nil)
}

// Is asks for one of Kodi's conditions.
func (k *Kodi) Is(condition string) bool {
	k.t.Helper()
	var values map[string]bool
	k.Call("XBMC.GetInfoBooleans", map[string]any{"booleans": []string{condition}}, &values)
	return values[condition]
}

// Label asks for one of Kodi's texts.
func (k *Kodi) Label(name string) string {
	k.t.Helper()
	var values map[string]string
	k.Call("XBMC.GetInfoLabels", map[string]any{"labels": []string{name}}, &values)
	return values[name]
}

// Run starts an add-on's script.
func (k *Kodi) Run(id string) {
	k.t.Helper()
	k.Call("Addons.ExecuteAddon", map[string]any{"addonid": id}, nil)
}

// Shows is a text of the sign-in screen, while it is there: the first window that
// a script has opened is 13000.
func (k *Kodi) Shows(property string) string {
	k.t.Helper()
	return k.Label("Window(13000).Property(" + property + ")")
}

// AwaitShown waits until a text of the sign-in screen is that.
func (k *Kodi) AwaitShown(property, want string) {
	k.t.Helper()
	k.await(fmt.Sprintf("%s is %q", property, want), func() bool { return k.Shows(property) == want })
}

// AwaitClosed waits until the sign-in screen has gone, and returns how long that took.
func (k *Kodi) AwaitClosed() time.Duration {
	k.t.Helper()
	began := time.Now()
	k.await("the screen is closed", func() bool { return !k.Is(window) })
	return time.Since(began)
}

// Home is a property that the add-on's service, or a script, has set for skins.
func (k *Kodi) Home(property string) string {
	k.t.Helper()
	return k.Label("Window(10000).Property(" + property + ")")
}

// AwaitHome waits until a property for skins is that.
func (k *Kodi) AwaitHome(property, want string) {
	k.t.Helper()
	k.await(fmt.Sprintf("%s is %q", property, want), func() bool { return k.Home(property) == want })
}

// Choose presses Select when the button of the sign-in screen that says so is in focus.
func (k *Kodi) Choose(button string) {
	k.t.Helper()
	k.await(button+" is in focus", func() bool { return k.Label("System.CurrentControl") == button })
	k.Input("Select")
}
