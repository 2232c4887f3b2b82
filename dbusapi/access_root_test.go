// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Users that every Debian has.
const (
	nobody  = 65534
	another = 1 // daemon
)

// everyCall gives an order for each of our methods, and one without an interface.
func everyCall(exported map[string]map[string][]dbusapi.Argument) []string {
	calls := []string{"call GetToken"}
	for _, iface := range []string{names.Main, names.Credentials, names.Home} {
		for member, takes := range exported[iface] {
			order := "call " + iface + "." + member
			for _, argument := range takes {
				order += " " + argument.Type
			}
			calls = append(calls, order)
		}
	}
	return calls
}

func TestAccessOnTheSystemBus(t *testing.T) {
	_, group := standIns(t)
	for refuser, polkit := range map[string]bool{"bus": false, "daemon": true} {
		t.Run(refuser, func(t *testing.T) {
			b := newBox(t, setup{bus: bustest.System(t, policies(t, polkit)...), system: true})
			stranger := newStranger(t, b.ctx, b.bus.Address, nobody)
			b.wholeRun(b.client()) // root may do it all
			heard, err := strconv.Unquote(stranger.do("heard"))
			if err != nil {
				t.Fatal(err)
			}
			b.checkForSecrets("stranger", heard)

			calls := everyCall(b.service.Exported())
			if len(calls) != 22 {
				t.Fatalf("the calls are %v", calls)
			}
			member := newStranger(t, b.ctx, b.bus.Address, nobody, group)
			for _, call := range calls {
				if answer := member.do("%s", call); strings.HasPrefix(answer, "org.freedesktop.DBus.Error") && !strings.HasPrefix(answer, names.ErrInvalidArgs) {
					t.Errorf("%s by a member of the group: %s", call, answer)
				}
			}
			for _, call := range calls {
				answer := stranger.do("%s", call)
				byDaemon := strings.Contains(answer, "only root and members of the group plexauth may call, and polkit does not allow")
				if !strings.HasPrefix(answer, names.ErrAccessDenied) || (byDaemon != polkit && call != calls[0]) {
					t.Errorf("%s by somebody else: %s", call, answer)
				}
			}
			for order, want := range map[string]string{
				"call " + properties + ".GetAll s":                    names.ErrUnknownInterface, // the right to ask is what counts
				"call " + properties + ".Set s s v":                   names.ErrUnknownInterface,
				"call org.freedesktop.DBus.Introspectable.Introspect": "ok",
				"call org.freedesktop.DBus.Peer.Ping":                 "ok",
				"call org.freedesktop.DBus.Peer.GetMachineId":         "ok",
			} {
				if answer := stranger.do("%s", order); !strings.HasPrefix(answer, want) {
					t.Errorf("%s by somebody else: %s, want %s", order, answer, want)
				}
			}
		})
	}
}

func TestSystemBusNameIsForRootAndTheServiceUser(t *testing.T) {
	uid, _ := standIns(t)
	b := newBox(t, setup{bus: bustest.System(t, policies(t, true)...), system: true})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	if answer := newStranger(t, b.ctx, b.bus.Address, nobody).do("serve"); !strings.Contains(answer, "taking the bus name "+names.Bus) {
		t.Errorf("nobody has become the daemon: %s", answer)
	}
	if answer := newStranger(t, b.ctx, b.bus.Address, uid).do("serve"); answer != "ok" {
		t.Errorf("the service user has not become the daemon: %s", answer)
	}
}

func TestAccessOnASessionBus(t *testing.T) {
	_, group := standIns(t)
	open := policyFile(t, `<allow own="*"/><allow send_destination="*"/>`)
	b := newBox(t, setup{bus: bustest.System(t, open)})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	if served := newStranger(t, b.ctx, b.bus.Address, nobody).do("serve"); served != "ok" {
		t.Fatal(served)
	}
	const call = "call " + names.Credentials + ".GetAuthHeaders"
	if answer := newStranger(t, b.ctx, b.bus.Address, nobody).do(call); answer != "ok" {
		t.Errorf("the daemon's own user: %s", answer)
	}
	if answer := newStranger(t, b.ctx, b.bus.Address, another, group).do(call); answer != "ok" {
		t.Errorf("a member of the group: %s", answer)
	}
	if answer := newStranger(t, b.ctx, b.bus.Address, another).do(call); !strings.HasPrefix(answer, names.ErrAccessDenied) {
		t.Errorf("another user: %s", answer)
	}
	b.client().credentials("GetAuthHeaders").gives("a{ss}")
}

func TestLogLevelIsForRoot(t *testing.T) {
	_, group := standIns(t)
	level := new(slog.LevelVar)
	b := newBox(t, setup{bus: bustest.System(t, policies(t, true)...), system: true, logLevel: level})
	const set = "set-log-level debug"
	if answer := newStranger(t, b.ctx, b.bus.Address, nobody, group).do(set); !strings.HasPrefix(answer, names.ErrAccessDenied) {
		t.Errorf("a member of the group: %s", answer)
	}
	c := b.client()
	for text, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "notice": slog.LevelInfo, "warning": slog.LevelWarn, "emerg": slog.LevelError,
	} {
		if c.logControl("Set", logControl, "LogLevel", dbus.MakeVariant(text)).gives(""); level.Level() != want {
			t.Errorf("%s set %v, want %v", text, level, want)
		}
	}
	for _, wrong := range []any{"chatty", "", 7} {
		c.logControl("Set", logControl, "LogLevel", dbus.MakeVariant(wrong)).isError(names.ErrInvalidArgs, "value")
	}
	c.logControl("Set", logControl, "LogTarget", dbus.MakeVariant("console")).isError(names.ErrPropertyReadOnly)
}

// wantAction is the polkit action of a method.
func wantAction(method string) string {
	dot := strings.LastIndex(method, ".")
	iface, member := method[:dot], method[dot+1:]
	reads := strings.HasPrefix(member, "Get") || slices.Contains([]string{"ValidateToken", "ListServers", "RenewServerHeaders"}, member)
	switch {
	case iface == names.Main:
		return "tv.retune.PlexAuth1.pair"
	case iface == names.Credentials && reads:
		return "tv.retune.PlexAuth1.read-credentials"
	default:
		return "tv.retune.PlexAuth1.manage"
	}
}

// authorization is polkit's (bba{ss}).
type authorization struct {
	Authorized, Challenge bool
	Details               map[string]string
}

// reply answers a question to polkit.
func (b *box) reply(question *dbus.Message, a authorization) {
	b.observer.Send(&dbus.Message{
		Type: dbus.TypeMethodReply,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: question.Headers[dbus.FieldSender],
			dbus.FieldReplySerial: dbus.MakeVariant(question.Serial()),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(a)),
		},
		Body: []any{a},
	}, nil)
}

// challenge answers a question to polkit: somebody has to authenticate first.
func (b *box) challenge(question *dbus.Message) { b.reply(question, authorization{Challenge: true}) }

// polkit takes the part of polkit on a bus where it may, and returns what it is asked.
func (b *box) polkit() <-chan *dbus.Message {
	b.t.Helper()
	if _, err := b.observer.RequestName("org.freedesktop.PolicyKit1", dbus.NameFlagDoNotQueue); err != nil {
		b.t.Fatal(err)
	}
	asked := make(chan *dbus.Message, 256)
	b.observer.Eavesdrop(asked)
	return asked
}

// newPolkitBox is a box on a system bus where the test is polkit.
func newPolkitBox(t *testing.T, clock clockwork.Clock) *box {
	t.Helper()
	forAll := policyFile(t, `<allow own="org.freedesktop.PolicyKit1"/><allow send_destination="org.freedesktop.PolicyKit1"/>`)
	return newBox(t, setup{bus: bustest.System(t, append(policies(t, true), forAll)...), system: true, clock: clock})
}

func TestPolkitThatNeverAnswers(t *testing.T) {
	_, group := standIns(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	b := newPolkitBox(t, clock)
	asked := b.polkit() // and nobody answers

	// Each has a quarter of the places, for fewer calls than there are.
	strangers := []*stranger{newStranger(t, b.ctx, b.bus.Address, nobody), newStranger(t, b.ctx, b.bus.Address, another)}
	calls := everyCall(b.service.Exported())
	for i, call := range calls[1:] {
		stranger := strangers[i%2]
		order := map[bool]string{true: "ask", false: "call"}[i == 0]
		stranger.tell("%s", strings.Replace(call, "call", order, 1))
		message := await(b, asked, "a question to polkit")
		if order == "ask" { // where the rules want it, a person may be asked
			if flags := message.Body[3]; flags != uint32(0) {
				t.Errorf("the rules were asked with flags %v", flags)
			}
			b.challenge(message)
			message = await(b, asked, "a question to the person")
		}
		question := message.Body
		// Which of them depends on the bus; see TestPolkitIsToldTheProcess.
		subject, _ := question[0].([]any)
		who, _ := subject[1].(map[string]dbus.Variant)
		name, _ := who["name"].Value().(string)
		uid, _ := who["uid"].Value().(int32)
		if !strings.HasPrefix(name, ":1.") && uid != []int32{nobody, another}[i%2] {
			t.Errorf("polkit was asked about %v", subject)
		}
		interactive := map[string]uint32{"ask": 1}[order]
		if want := wantAction(strings.Fields(call)[1]); question[1] != want || question[3] != interactive {
			t.Errorf("for %s polkit was asked for %v with flags %v, want %s with %d", call, question[1], question[3], want, interactive)
		}
	}
	// Meanwhile everybody else is served.
	b.client().main("RequestPin").gives("tsssx")
	b.client().property("State")
	if answer := newStranger(t, b.ctx, b.bus.Address, another, group).do("call GetAuthHeaders"); answer != "ok" {
		t.Errorf("a member of the group: %s", answer)
	}
	clock.Advance(5 * time.Second)
	for i := range calls[2:] {
		strangers[(i+1)%2].isRefused()
	}
	clock.Advance(2 * time.Minute) // a person would have had to type a password
	strangers[0].isRefused()
}
