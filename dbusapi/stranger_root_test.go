// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// strangerBus is set, to the address of a bus, in a process of these tests
// that acts as another user and does what it reads, line by line.
const strangerBus = "DBUSAPI_TEST_STRANGER_BUS"

func TestMain(m *testing.M) {
	if address := os.Getenv(strangerBus); address != "" {
		obey(address, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// obey does what it is told: "call METHOD TYPES…", "ask METHOD", which allows
// interaction, "set-log-level", "serve", "heard", and "hears TEXT…", which waits for
// those words in the signals so far. It answers each with a line, and does not wait for an answer to a call before the next.
func obey(address string, orders io.Reader) {
	kept, err := listen(address)
	if err != nil {
		fmt.Printf("cannot listen: %v\n", err)
		return
	}
	conn, err := dbus.Connect(address)
	if err != nil {
		fmt.Printf("cannot connect: %v\n", err)
		return
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(orders); lines.Scan(); {
		order := strings.Fields(lines.Text())
		switch order[0] {
		case "call", "ask":
			message := request(order[1], order[2:])
			if order[0] == "ask" {
				message.Flags = dbus.FlagAllowInteractiveAuthorization
			}
			go func() { fmt.Println(outcome(conn, message)) }()
		case "set-log-level":
			message := request(properties+".Set", nil)
			message.Headers[dbus.FieldPath] = dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/LogControl1"))
			message.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.ParseSignatureMust("ssv"))
			message.Body = []any{logControl, "LogLevel", dbus.MakeVariant(order[1])}
			fmt.Println(outcome(conn, message))
		case "serve":
			fmt.Println(serveHere(address))
		case "hears":
			_, err := kept.await(context.Background(), func(heard string) bool { return inOrder(heard, order[1:]) })
			fmt.Println(err)
		case "heard":
			heard, _ := kept.await(context.Background(), ranToTheEnd)
			fmt.Printf("%q\n", heard)
		}
	}
}

// inOrder reports whether the words are in the text, each behind the one before.
func inOrder(text string, words []string) bool {
	for _, word := range words {
		_, after, found := strings.Cut(text, word)
		if !found {
			return false
		}
		text = after
	}
	return true
}

// request is a call of a method of our object, with values of those types.
func request(method string, types []string) *dbus.Message {
	message := &dbus.Message{Type: dbus.TypeMethodCall, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(names.Bus),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(names.Path)),
	}}
	if dot := strings.LastIndex(method, "."); dot > 0 {
		message.Headers[dbus.FieldInterface] = dbus.MakeVariant(method[:dot])
		method = method[dot+1:]
	}
	message.Headers[dbus.FieldMember] = dbus.MakeVariant(method)
	for _, signature := range types {
		message.Body = append(message.Body, right(signature))
	}
	message.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(message.Body...))
	return message
}

// outcome sends a call and gives "ok", or the name and text of the error.
func outcome(conn *dbus.Conn, message *dbus.Message) string {
	switch err := (<-conn.Send(message, make(chan *dbus.Call, 1)).Done).Err.(type) {
	case nil:
		return "ok"
	case dbus.Error:
		return err.Name + " " + err.Error()
	default:
		return err.Error()
	}
}

// serveHere runs the daemon in this process, with nobody signed in.
func serveHere(address string) string {
	state, err := os.MkdirTemp("", "stranger")
	if err != nil {
		return err.Error()
	}
	plex, err := plextv.New(plextv.Config{BaseURL: "http://127.0.0.1:1"})
	if err != nil {
		return err.Error()
	}
	account := auth.Open(auth.Options{Plex: plex, Store: statefile.Open(state+"/state.toml", clockwork.NewRealClock())})
	options := dbusapi.Options{Open: func() dbusapi.Account { return account }, Bus: address}
	_, err = dbusapi.Serve(context.Background(), options.WithAccessGroup(standIn))
	_ = os.RemoveAll(state) // nothing is written any more
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// stranger is a process of another user on the bus.
type stranger struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

func newStranger(t *testing.T, ctx context.Context, address string, uid uint32, groups ...uint32) *stranger {
	t.Helper()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = append(os.Environ(), strangerBus+"="+address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	s := &stranger{t, in, bufio.NewScanner(out)}
	s.out.Buffer(nil, 1<<20)
	if ready := s.answer(); ready != "ready" {
		t.Fatalf("user %d: %s", uid, ready)
	}
	return s
}

func (s *stranger) tell(format string, args ...any) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, format+"\n", args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stranger) answer() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the other process has ended: %v", s.out.Err())
	}
	return s.out.Text()
}

func (s *stranger) do(format string, args ...any) string {
	s.t.Helper()
	s.tell(format, args...)
	return s.answer()
}

// leave ends the process, and so its connections.
func (s *stranger) leave() { _ = s.in.Close() }

// isRefused takes the answer to a call.
func (s *stranger) isRefused() {
	s.t.Helper()
	if answer := s.answer(); !strings.HasPrefix(answer, names.ErrAccessDenied) {
		s.t.Errorf("somebody else was answered: %s", answer)
	}
}
