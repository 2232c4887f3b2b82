// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const theBus = names.DBus

func TestOneCallerCannotTakeAllPlaces(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t)})
	greedy, other := b.client(), b.client()
	greedy.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	const places, more = 128, 10
	done := make(chan *dbus.Call, places+more)
	for range cap(done) {
		greedy.start(done, names.Main+".Validate")
	}
	for range more {
		reply{await(b, done, "a refusal"), t}.isError(names.ErrLimitsExceeded, "128 calls of this caller")
	}
	greedy.credentials("GetToken").gives("s") // that takes no place
	others := make(chan *dbus.Call, 1)
	other.start(others, names.Main+".Validate")
	b.awaitWatchedCallers(2)
	b.awaitDelayed(1)
	b.plex.Clear() // for calls that are not that far
	b.plexTime.Advance(time.Second)
	for range places {
		reply{await(b, done, "an answer"), t}.gives("b")
	}
	reply{await(b, others, "an answer"), t}.gives("b")
	greedy.main("Validate").gives("b")
}

func TestCallsBeforeTheAccountIsOpen(t *testing.T) {
	b := newBox(t, setup{})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	c := b.client()
	const calls = 20
	done := make(chan *dbus.Call, 2*calls)
	var err error
	b.service, err = dbusapi.Serve(b.ctx, dbusapi.Options{Bus: b.bus.Address, Open: func() dbusapi.Account {
		for range calls {
			c.start(done, names.Credentials+".GetAuthHeaders")
			c.start(done, names.Main+".RequestPin")
		}
		// The bus sends the daemon what came before this.
		if err := c.conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.GetId", 0).Err; err != nil {
			t.Error(err)
		}
		return b.account
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * calls {
		if answer := await(b, done, "an answer"); answer.Err != nil {
			t.Errorf("%s: %v", answer.Method, answer.Err)
		}
	}
}

// TestCallsBeforeTheNameIsOurs floods the daemon's connection before the bus has
// said that the name is the daemon's: that answer must get through.
func TestCallsBeforeTheNameIsOurs(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t)})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	c := b.thrifty()
	var last int
	if _, err := fmt.Sscanf(b.client().conn.Names()[0], ":1.%d", &last); err != nil {
		t.Fatal(err)
	}
	next := rawCall(t, fmt.Sprintf(":1.%d", last+1), "org.freedesktop.DBus.Peer", "Ping")
	next[2] = byte(dbus.FlagNoReplyExpected)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := c.socket.Write(next); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	var err error
	b.service, err = dbusapi.Serve(b.ctx, dbusapi.Options{Bus: b.bus.Address, Open: func() dbusapi.Account { return b.account }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHotCallsAllocateNothing counts the memory that a call takes, at both ends;
// the test's end takes none.
func TestHotCallsAllocateNothing(t *testing.T) {
	b := newBox(t, setup{})
	b.client().signIn(b.token)
	c := b.thrifty()
	for _, request := range [][]byte{
		rawCall(t, names.Bus, names.Credentials, "GetAuthHeaders"),
		rawCall(t, names.Bus, names.Credentials, "GetToken"),
		rawCall(t, names.Bus, names.Credentials, "GetStoredCredentials"),
		rawCall(t, names.Bus, properties, "Get", names.Main, "State"),
		rawCall(t, names.Bus, properties, "GetAll", names.Main),
		rawCall(t, names.Bus, "org.freedesktop.DBus.Peer", "Ping"),
	} {
		if allocated := testing.AllocsPerRun(500, func() { c.call(request) }); allocated > 0 {
			t.Errorf("%v allocations for a call of %q", allocated, request)
		}
	}
}

// thrifty is a client that allocates nothing for a call.
type thrifty struct {
	t      *testing.T
	socket net.Conn
	in     *bufio.Reader
}

func (b *box) thrifty() *thrifty {
	b.t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(b.bus.Address, "unix:path="), ",")
	socket, err := net.Dial("unix", path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = socket.Close() })
	c := &thrifty{b.t, socket, bufio.NewReader(socket)}
	if _, err := fmt.Fprintf(socket, "\x00AUTH EXTERNAL %x\r\n", strconv.Itoa(os.Getuid())); err != nil {
		b.t.Fatal(err)
	}
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK") {
		b.t.Fatalf("the bus says %q: %v", line, err)
	}
	hello := rawCall(b.t, theBus, theBus, "Hello")
	if _, err := socket.Write([]byte("BEGIN\r\n")); err != nil {
		b.t.Fatal(err)
	}
	c.call(hello)
	return c
}

// call waits for the answer, which must not be an error.
func (c *thrifty) call(request []byte) {
	if _, err := c.socket.Write(request); err != nil {
		c.t.Fatal(err)
	}
	for {
		head, err := c.in.Peek(16)
		if err != nil {
			c.t.Fatal(err)
		}
		kind := dbus.Type(head[1])
		fields := (binary.LittleEndian.Uint32(head[12:]) + 7) &^ 7
		if _, err := c.in.Discard(16 + int(fields+binary.LittleEndian.Uint32(head[4:]))); err != nil {
			c.t.Fatal(err)
		}
		switch kind {
		case dbus.TypeError:
			c.t.Fatalf("an error answers %q", request)
		case dbus.TypeMethodReply:
			return
		}
	}
}

// rawCall is a call as it travels.
func rawCall(t *testing.T, to, iface, member string, args ...any) []byte {
	t.Helper()
	var raw bytes.Buffer
	err := (&dbus.Message{Type: dbus.TypeMethodCall, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(names.Path)),
		dbus.FieldInterface:   dbus.MakeVariant(iface),
		dbus.FieldMember:      dbus.MakeVariant(member),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(args...)),
	}}).EncodeTo(&raw, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	raw.Bytes()[8] = 1 // the serial
	return raw.Bytes()
}
