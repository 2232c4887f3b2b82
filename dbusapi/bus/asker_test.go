// SPDX-License-Identifier: Apache-2.0

package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// patience is how long a test waits for what has to come.
const patience = 15 * time.Second

// nobody is a handler of calls that no test makes.
type nobody struct{}

func (nobody) HandleCall(*bus.Call) {}

func askerOf(t *testing.T, b *bustest.Broker) *bus.Asker {
	t.Helper()
	asker, err := bus.Ask(b.Address, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = asker.Close() })
	return asker
}

// ask calls a member with that name and those arguments.
func ask(t *testing.T, asker *bus.Asker, member string, args ...any) ([]any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return asker.Ask(ctx, "a.b", "/a/b", "a.b", member, args...)
}

// pipe gives the ends of a new pipe.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	return r, w
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestAnswerWithADescriptor(t *testing.T) {
	r, w := pipe(t)
	b := bustest.NewBroker(t, func(*bustest.BrokerConn, *dbus.Message, []int) []any {
		return []any{map[string]dbus.Variant{"File": dbus.MakeVariant(dbus.UnixFD(w.Fd()))}}
	})
	asker := askerOf(t, b)
	before := openFiles(t)
	var given *os.File
	err := asker.AskFor(t.Context(), func(answer []any) (err error) {
		fd, ok := answer[0].(map[string]dbus.Variant)["File"].Value().(dbus.UnixFD)
		if !ok || fd == dbus.UnixFD(w.Fd()) {
			t.Fatalf("the answer is %v", answer)
		}
		inherited(t, uintptr(fd))
		given, err = bus.Keep(fd, "given")
		return err
	}, "a.b", "/a/b", "a.b", "Give")
	if err != nil {
		t.Fatal(err)
	}
	defer given.Close()
	inherited(t, given.Fd())
	if after := openFiles(t); after != before+1 {
		t.Errorf("%d descriptors more are open", after-before)
	}
	fmt.Fprint(given, "x")
	if n, err := r.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Errorf("it is not the other end's: %d, %v", n, err)
	}
}

// inherited fails if programs that are started inherit the descriptor.
func inherited(t *testing.T, fd uintptr) {
	t.Helper()
	if flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0); errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
		t.Errorf("programs that are started inherit it: %v", errno)
	}
}

// TestDescriptorOfTheSecondMessage has two messages read together.
func TestDescriptorOfTheSecondMessage(t *testing.T) {
	_, w := pipe(t)
	b := bustest.NewBroker(t, func(c *bustest.BrokerConn, call *dbus.Message, _ []int) []any {
		noAnswer := signal("text")
		noAnswer.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(call.Serial())
		first, _ := bustest.Encode(noAnswer)
		second, fds := bustest.Encode(&dbus.Message{
			Type: dbus.TypeMethodReply, Body: []any{dbus.UnixFD(w.Fd())},
			Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(call.Serial())},
		})
		c.SendRaw(append(first, second...), fds...)
		return nil // one answer too many
	})
	answer, err := ask(t, askerOf(t, b), "Give")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := answer[0].(dbus.UnixFD); !ok {
		t.Fatalf("the answer is %v", answer)
	}
}

func TestQuestionWithADescriptor(t *testing.T) {
	r, w := pipe(t)
	b := bustest.NewBroker(t, func(_ *bustest.BrokerConn, call *dbus.Message, fds []int) []any {
		if len(fds) != 1 || call.Body[0] != dbus.UnixFDIndex(0) {
			return []any{dbus.NewError("a.b.Error", []any{fmt.Sprint(call.Body, fds)})}
		}
		_, _ = syscall.Write(fds[0], []byte("x"))
		return nil
	})
	asker := askerOf(t, b)
	// A long question does not fit into the socket at once.
	for _, text := range []string{"short", strings.Repeat("x", 500_000)} {
		if _, err := ask(t, asker, "Take", dbus.UnixFD(w.Fd()), text); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(make([]byte, 8)); n != 1 || err != nil {
			t.Errorf("what was passed is not ours: %d, %v", n, err)
		}
	}
}

// TestABusThatPassesNoDescriptors works for everything else.
func TestABusThatPassesNoDescriptors(t *testing.T) {
	_, w := pipe(t)
	b := bustest.NewBroker(t, func(*bustest.BrokerConn, *dbus.Message, []int) []any { return []any{"answer"} })
	b.PassNone()
	asker := askerOf(t, b)
	if answer, err := ask(t, asker, "Give"); err != nil || answer[0] != "answer" {
		t.Errorf("the answer is %v, %v", answer, err)
	}
	if _, err := ask(t, asker, "Take", dbus.UnixFD(w.Fd())); err == nil || !strings.Contains(err.Error(), "passes no descriptors") {
		t.Errorf("a descriptor was passed: %v", err)
	}
}

// TestOnlyAskersAreSentDescriptors has the others do without, so that nobody can
// send them any.
func TestOnlyAskersAreSentDescriptors(t *testing.T) {
	_, w := pipe(t)
	b := bustest.NewBroker(t, func(*bustest.BrokerConn, *dbus.Message, []int) []any { return []any{dbus.UnixFD(w.Fd())} })
	conn, err := bus.Serve(t.Context(), b.Address, "", nobody{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := conn.Object("a.b", "/a/b").CallWithContext(ctx, "a.b.Give", 0).Err; err == nil || b.Ended() != 1 {
		t.Errorf("the connection was kept: %v", err)
	}
}

func TestFailedQuestions(t *testing.T) {
	_, w := pipe(t)
	b := bustest.NewBroker(t, func(c *bustest.BrokerConn, call *dbus.Message, _ []int) []any {
		switch call.Headers[dbus.FieldMember].Value() {
		case "Fail":
			return []any{dbus.NewError("a.b.Error", []any{"text", dbus.UnixFD(w.Fd())})}
		case "End":
			c.SendRaw([]byte("l"), int(w.Fd())) // the rest never comes
			c.End()
		}
		return nil
	})
	asker := askerOf(t, b)
	before := openFiles(t)
	var named dbus.Error
	if _, err := ask(t, asker, "Fail"); !errors.As(err, &named) || named.Name != "a.b.Error" || named.Error() != "text" {
		t.Errorf("the error is %v", err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors more are open", after-before)
	}
	if _, err := ask(t, asker, "Take", "a zero \x00"); err == nil {
		t.Error("a text that D-Bus cannot carry was sent")
	}
	if _, err := ask(t, asker, "End"); err == nil || !strings.Contains(err.Error(), "the bus has ended the connection") {
		t.Errorf("after the end: %v", err)
	}
	_ = asker.Close()
	if after := openFiles(t); after > before-2 { // without both ends of the connection
		t.Errorf("%d descriptors are open, before the end it was %d", after, before)
	}
}

// TestAnswerThatComesTooLate is for somebody who has stopped to wait.
func TestAnswerThatComesTooLate(t *testing.T) {
	_, w := pipe(t)
	asked := make(chan struct{})
	b := bustest.NewBroker(t, func(_ *bustest.BrokerConn, call *dbus.Message, _ []int) []any {
		if call.Headers[dbus.FieldMember].Value() == "Late" {
			<-asked
		}
		return []any{dbus.UnixFD(w.Fd())}
	})
	asker := askerOf(t, b)
	before := openFiles(t)
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := asker.Ask(impatient, "a.b", "/a/b", "a.b", "Late"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	close(asked)
	if _, err := ask(t, asker, "Next"); err != nil { // comes behind the other
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors more are open", after-before)
	}
}

// TestDescriptorsThatNobodyHasAskedFor come along with all that can be sent, in
// pieces too.
func TestDescriptorsThatNobodyHasAskedFor(t *testing.T) {
	_, w := pipe(t)
	fd := dbus.UnixFD(w.Fd())
	const rounds = 1700 // of 6 descriptors
	b := bustest.NewBroker(t, func(c *bustest.BrokerConn, call *dbus.Message, _ []int) []any {
		if call.Headers[dbus.FieldMember].Value() == "Flood" {
			for range rounds {
				unasked(c, fd)
			}
		}
		return nil
	})
	asker := askerOf(t, b)
	before := openFiles(t)
	if _, err := ask(t, asker, "Flood"); err != nil {
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors more are open", after-before)
	}
}

// signal is one that somebody sends.
func signal(body ...any) *dbus.Message {
	return &dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldSender:    dbus.MakeVariant(":1.7"),
		dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath("/a/b")),
		dbus.FieldInterface: dbus.MakeVariant("a.b"),
		dbus.FieldMember:    dbus.MakeVariant("Unasked"),
	}}
}

func unasked(c *bustest.BrokerConn, fd dbus.UnixFD) {
	call, stray := signal([]dbus.UnixFD{fd, fd}), signal(fd)
	call.Type, stray.Type = dbus.TypeMethodCall, dbus.TypeMethodReply
	stray.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(uint32(1<<31 + 1<<30)) // nobody's
	c.Send(signal(fd))
	c.Send(call)
	c.Send(stray)
	// Two descriptors that no message has, one behind a piece of it.
	raw, _ := bustest.Encode(signal("text"))
	c.SendRaw(raw[:7], int(fd))
	c.SendRaw(raw[7:], int(fd))
}
