// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// step is what a service says, and whether that is a reason to wake.
type step struct {
	what  said
	wakes bool
}

// days are what each service says in the course of time.
var days = map[string][]step{
	logind: {
		{prepareForSleep(true), false},
		{prepareForSleep(false), true},
		{prepareForSleep(false), false},
		{prepareForSleep(true), false},
		{prepareForSleep(true), false},
		{prepareForSleep(false), true},
	},
	networkManager: {
		{networkManagerState(40), false}, // connecting
		{networkManagerState(50), false}, // the local net alone
		{networkManagerState(60), true},  // behind a portal
		{networkManagerState(60), false},
		{networkManagerState(70), true}, // past it
		{networkManagerState(70), false},
		{networkManagerState(60), false},
		{networkManagerState(70), true},
		{networkManagerState(10), false}, // asleep
		{networkManagerState(70), true},
		{networkManagerState(20), false}, // disconnected
		{networkManagerState(1000), false},
	},
	networkd: {
		{networkdChanged(map[string]string{"OperationalState": "carrier", "CarrierState": "carrier"}), false},
		{networkdChanged(map[string]string{"OperationalState": "degraded", "OnlineState": "offline"}), false},
		{networkdChanged(map[string]string{"OperationalState": "routable", "OnlineState": "online"}), true},
		{networkdChanged(map[string]string{"IPv6AddressState": "routable"}), false},
		{networkdChanged(map[string]string{"OperationalState": "routable"}), false},
		{networkdChanged(map[string]string{"OnlineState": "partial"}), false},
		{networkdChanged(map[string]string{"OnlineState": "online"}), true},
		{networkdChanged(map[string]string{"OperationalState": "no-carrier"}), false},
		{networkdChanged(map[string]string{"OperationalState": "routable"}), true},
		{networkdChanged(map[string]string{"OnlineState": "unknown"}), false},
		{networkdChanged(map[string]string{"OnlineState": "partial"}), true},
	},
	connMan: {
		{connManState("idle"), false},
		{connManState("ready"), true},
		{connManState("ready"), false},
		{connManState("online"), true},
		{connManState("ready"), false},
		{connManState("offline"), false},
		{connManState("online"), true},
	},
}

// liveThrough has the service say all it has to say.
func (w *sleeper) liveThrough(s *service) {
	w.t.Helper()
	for _, step := range days[s.name] {
		s.says(step.what)
		if step.wakes {
			w.wakesFor(s.name)
		} else {
			s.ping()
			w.sleepsOn("nothing became better")
		}
	}
}

func TestWakeUpsOfServicesThatWereThereBefore(t *testing.T) {
	bus := bustest.Session(t)
	services := []*service{}
	for name := range days {
		services = append(services, newService(t, bus, name))
	}
	w := newSleeper(t, setup{bus: bus})
	for _, s := range services {
		w.liveThrough(s)
	}
}

func TestWakeUpsOfServicesThatComeLater(t *testing.T) {
	w := newSleeper(t, setup{})
	for name := range days {
		w.liveThrough(newService(t, w.bus, name))
	}
}

func TestWakeUpOfServiceThatStartsAgain(t *testing.T) {
	w := newSleeper(t, setup{})
	before := newService(t, w.bus, connMan)
	before.says(connManState("online"))
	w.wakesFor(connMan)
	before.leaves()
	before.tells(connManState("idle"))
	before.tells(connManState("online"))
	w.sleepsOn("it is not ConnMan any more")

	after := newService(t, w.bus, connMan)
	before.tells(connManState("online"))
	w.sleepsOn("another one is ConnMan")
	after.says(connManState("online")) // nobody has told what it was like before
	w.wakesFor(connMan)
	before.tells(connManState("idle"))
	after.says(connManState("online"))
	after.ping()
	w.sleepsOn("ConnMan has not said that it was idle")
}

func TestWakeUpOfServiceAfterOneThatHasNeverSpoken(t *testing.T) {
	bus := bustest.Session(t)
	silent := newService(t, bus, connMan)
	w := newSleeper(t, setup{bus: bus})
	silent.leaves()
	w.liveThrough(newService(t, bus, connMan))
}

func TestBurstWakesOnce(t *testing.T) {
	w := newSleeper(t, setup{})
	s := newService(t, w.bus, networkManager)
	for range 1000 {
		s.says(networkManagerState(70))
	}
	s.ping()
	w.wakesFor(networkManager)
	w.sleepsOn("nothing has changed since")
}

func TestForgedWakeUps(t *testing.T) {
	w := newSleeper(t, setup{})
	liar := newService(t, w.bus, "com.example.Liar")
	ends := []said{prepareForSleep(false), networkManagerState(70), networkdChanged(map[string]string{"OnlineState": "online"}), connManState("online")}
	lie := func(about string) {
		t.Helper()
		for _, what := range ends {
			liar.tells(what)
			w.sleepsOn(about)
		}
	}
	lie("nobody has the names")
	for name := range days {
		liar.tells(said{"/org/freedesktop/DBus", "org.freedesktop.DBus.NameOwnerChanged", []any{name, "", liar.conn.Names()[0]}})
	}
	lie("a liar has said that the names are his")
	services := map[string]*service{}
	for name := range days {
		services[name] = newService(t, w.bus, name)
	}
	lie("others have the names")
	services[connMan].tells(prepareForSleep(false))
	services[logind].tells(networkManagerState(70))
	w.sleepsOn("they speak for each other")
	services[logind].tells(said{"/org/freedesktop/elsewhere", logind + ".Manager.PrepareForSleep", []any{false}})
	w.sleepsOn("it is another object")
	services[logind].tells(said{"/org/freedesktop/login1", logind + ".Manager.PrepareForShutdown", []any{false}})
	w.sleepsOn("it is another signal")
	services[logind].says(prepareForSleep(false))
	w.wakesFor(logind)
}

func TestWakeUpsThatMakeNoSense(t *testing.T) {
	w := newSleeper(t, setup{})
	for name, day := range days {
		s := newService(t, w.bus, name)
		like := day[0].what
		for _, body := range [][]any{
			nil, {"x"}, {"more", uint32(70)}, {map[string]string{}}, {[]string{"online"}}, {dbus.MakeVariant(false)},
			{"State", dbus.MakeVariant(uint32(70))}, {"Other", dbus.MakeVariant("online")}, {"State", "online"},
			{networkd + ".Manager", map[string]dbus.Variant{"OnlineState": dbus.MakeVariant([]string{"online"})}, []string{}},
			{networkd + ".Other", map[string]dbus.Variant{"OnlineState": dbus.MakeVariant("online")}, []string{}},
			{networkd + ".Manager", map[string]dbus.Variant{}, []string{"OnlineState"}},
		} {
			s.says(said{like.path, like.signal, body})
			s.ping()
			w.sleepsOn("it makes no sense")
		}
		w.liveThrough(s)
	}
}

func TestWakeUpThatGodbusCannotDecode(t *testing.T) {
	w := newSleeper(t, setup{})
	conn, socket, err := openRaw(w.bus.Address, func(socket net.Conn) io.ReadWriteCloser { return socket })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.RequestName(connMan, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	odd := bustest.EncodeWith(bustest.Signal("", "/", connMan+".Manager.PropertyChanged"), "sv",
		[]byte("\x05\x00\x00\x00State\x00\x05a{bs}\x00\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00x\x00"))
	if _, err := socket.Write(odd); err != nil {
		t.Fatal(err)
	}
	w.liveThrough(&service{t, w.ctx, connMan, conn})
}

func TestServicesOnTheBusDisturbNobody(t *testing.T) {
	bus := bustest.Session(t)
	gated := newGatedBus(t, bus)
	newSleeper(t, setup{bus: bus, address: gated.address})
	for name, chatter := range map[string][]said{
		logind: {
			{"/org/freedesktop/login1", logind + ".Manager.SessionNew", []any{"chatter", dbus.ObjectPath("/x")}},
			{"/org/freedesktop/login1/user", logind + ".Manager.PrepareForSleep", []any{"chatter"}},
			{"/org/freedesktop/login1", properties + ".PropertiesChanged", []any{"chatter", map[string]dbus.Variant{}, []string{}}},
		},
		networkManager: {
			{"/org/freedesktop/NetworkManager", properties + ".PropertiesChanged", []any{networkManager, map[string]dbus.Variant{"chatter": dbus.MakeVariant(1)}, []string{}}},
			{"/org/freedesktop/NetworkManager/Devices/1", networkManager + ".Device.StateChanged", []any{"chatter"}},
		},
		networkd: {
			{"/org/freedesktop/network1", properties + ".PropertiesChanged", []any{"chatter", map[string]dbus.Variant{}, []string{}}},
			{"/org/freedesktop/network1/link/_31", properties + ".PropertiesChanged", []any{networkd + ".Manager", map[string]dbus.Variant{"chatter": dbus.MakeVariant(1)}, []string{}}},
		},
		connMan: {
			{"/", connMan + ".Manager.PropertyChanged", []any{"OfflineMode", dbus.MakeVariant("chatter")}},
			{"/", connMan + ".Manager.ServicesChanged", []any{"chatter"}},
		},
		"com.example.Other": {connManState("chatter"), prepareForSleep(false)},
	} {
		s := newService(t, bus, name)
		for _, what := range chatter {
			s.says(what)
		}
		s.ping()
	}
	gated.gate.Lock()
	defer gated.gate.Unlock()
	if bytes.Contains(gated.said.Bytes(), []byte("chatter")) || bytes.Contains(gated.said.Bytes(), []byte("Sleep")) {
		t.Error("the bus has passed on what is of no interest")
	}
}

func TestNobodyWaitsForWake(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	b := newBox(t, setup{wake: func() { <-hold }})
	b.awaitMatchRules(8)
	s := newService(t, b.bus, logind)
	for range 3 {
		s.says(prepareForSleep(true))
		s.says(prepareForSleep(false))
	}
	s.ping()
	if state := b.client().property("State"); state != "signed-out" {
		t.Errorf("the state is %v", state)
	}
}
