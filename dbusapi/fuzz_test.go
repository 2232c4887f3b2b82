// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// method is one that the service has, with the types it takes.
type method struct{ path, iface, member, signature string }

func methodsOf(s *dbusapi.Service) []method {
	var all []method
	for iface, members := range s.Exported() {
		for member, takes := range members {
			m := method{path: names.Path, iface: iface, member: member}
			for _, argument := range takes {
				m.signature += argument.Type
			}
			all = append(all, m)
			if iface == properties {
				m.path = "/org/freedesktop/LogControl1"
				all = append(all, m)
			}
		}
	}
	slices.SortFunc(all, func(a, b method) int { return strings.Compare(a.member+a.path, b.member+b.path) })
	return all
}

// FuzzArguments calls every method with any arguments, of the types it takes or
// of any others, in both byte orders: one answer comes, and what the account is
// given is what godbus reads in them.
func FuzzArguments(f *testing.F) {
	var log journal
	account, b := &witness{}, newOpenBus(f)
	service, err := dbusapi.Serve(f.Context(), dbusapi.Options{
		Open: func() dbusapi.Account { return account }, Bus: b.Address, Version: version,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(service.Close)
	methods := methodsOf(service)
	for which, m := range methods {
		for _, arguments := range argumentSeeds[m.signature] {
			for _, big := range []bool{false, true} {
				f.Add(byte(which), big, "", encodeBody(f, big, arguments))
				f.Add(byte(which), big, dbus.SignatureOf(arguments...).String()+"s", encodeBody(f, big, append(arguments, "more")))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, big bool, signature string, body []byte) {
		m := methods[int(which)%len(methods)]
		c := wireCall{orderOf(big), m.path, m.iface, m.member, signature, body}
		if signature == "" {
			c.signature = m.signature
		}
		if len(c.signature) > 255 {
			return // D-Bus cannot say that
		}
		log.Reset()
		account.given = nil
		before := allocated()
		answer := b.call(t, c)
		// The largest QR code there is, and what godbus needs for arguments.
		if limit := uint64(16<<20 + 500*len(body)); allocated()-before > limit {
			t.Errorf("%s: %d bytes of memory for %d", m.member, allocated()-before, len(body))
		}
		checkAnswer(t, m, c, account.given, answer)
		checkSecrecy(t, m, c, log.String(), answer)
	})
}

// checkSecrecy wants no error in the log, and no text of the arguments there or in
// the answer.
func checkSecrecy(t *testing.T, m method, c wireCall, log string, answer *dbus.Message) {
	t.Helper()
	if strings.Contains(log, "level=ERROR") {
		t.Errorf("%s: %s", m.member, log)
	}
	for _, text := range textsIn(c) {
		if strings.Contains(log, text) {
			t.Errorf("%s: %q in %s", m.member, text, log)
		}
		// Errors may repeat misspelt names, but not tokens and PINs.
		if m.iface == names.Credentials || m.iface == names.Home {
			if shown := fmt.Sprint(answer.Body...); answer.Type == dbus.TypeError && strings.Contains(shown, text) {
				t.Errorf("%s: %q in %s", m.member, text, shown)
			}
		}
	}
}

func checkAnswer(t *testing.T, m method, c wireCall, given []any, answer *dbus.Message) {
	t.Helper()
	name, _ := answer.Headers[dbus.FieldErrorName].Value().(string)
	if answer.Type == dbus.TypeError {
		named := strings.TrimPrefix(name, "org.freedesktop.DBus.Error.")
		if !strings.HasPrefix(name, names.ErrorPrefix) && !slices.Contains([]string{
			"InvalidArgs", "UnknownInterface", "UnknownProperty", "PropertyReadOnly",
		}, named) {
			t.Errorf("%s: %s: %v", m.member, name, answer.Body)
		}
	}
	if c.signature != m.signature && name != names.ErrInvalidArgs {
		t.Errorf("%s takes %s for %s", m.member, c.signature, m.signature)
	}
	decoded, ok := c.decoded()
	if want, asked := wanted[m.member]; asked && m.iface != properties && ok && c.signature == m.signature {
		if known := want(decoded); name != names.ErrInvalidArgs && !reflect.DeepEqual(given, known) {
			t.Errorf("%s was given %q, not %q", m.member, given, known)
		}
		if !strings.Contains(m.signature, "a{sv}") && name == names.ErrInvalidArgs {
			t.Errorf("%s does not take %q: %v", m.member, decoded, answer.Body)
		}
	} else if given != nil {
		t.Errorf("%s was given %q in %q", m.member, given, c.body)
	}
}

// wanted is what the account has to be given, by member: mostly the arguments.
var wanted = map[string]func(body []any) []any{
	"CheckPinStatus": asTheyAre, "CancelPin": asTheyAre, "ValidateToken": asTheyAre, "SelectServer": asTheyAre,
	"GetServerHeaders": asTheyAre, "RenewServerHeaders": asTheyAre, "SwitchUser": asTheyAre,
	"RequestPin": func([]any) []any { return []any{false, false} },
	"RequestPinWithOptions": func(body []any) []any {
		options := body[0].(map[string]dbus.Variant)
		return []any{isTrue(options["strong"].Value()), isTrue(options["force"].Value())}
	},
	"StoreCredentials": func(body []any) []any {
		given := []any{}
		for _, key := range []string{"token", "user_id", "username", "email", "thumb", "selected_server_id", "selected_server_uri"} {
			text, _ := body[0].(map[string]dbus.Variant)[key].Value().(string)
			given = append(given, text)
		}
		return given
	},
}

func asTheyAre(body []any) []any { return body }

// isTrue tells whether an option is on: true, or 1 of any type.
func isTrue(option any) bool {
	number, err := strconv.ParseFloat(fmt.Sprint(option), 64)
	return option == true || (err == nil && number == 1)
}

// decoded gives the arguments as godbus has them, as far as it has.
func (c wireCall) decoded() (body []any, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	m, err := dbus.DecodeMessage(bytes.NewReader(c.encode(1)))
	if err != nil {
		return nil, false
	}
	return m.Body, true
}

// textsIn gives the arguments that are texts which could be known again.
func textsIn(c wireCall) (texts []string) {
	body, _ := c.decoded()
	for _, value := range body {
		if options, ok := value.(map[string]dbus.Variant); ok {
			for _, option := range options {
				body = append(body, option.Value())
			}
		}
	}
	for _, value := range body {
		if text, ok := value.(string); ok && len(text) >= 12 {
			texts = append(texts, text)
		}
	}
	return texts
}

func orderOf(big bool) binary.ByteOrder {
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func encodeBody(f *testing.F, big bool, values []any) []byte {
	if len(values) == 0 {
		return nil
	}
	var raw bytes.Buffer
	m := dbus.Message{Type: dbus.TypeMethodReply, Body: values, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(1)), dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(values...)),
	}}
	if err := m.EncodeTo(&raw, orderOf(big)); err != nil {
		f.Fatal(err)
	}
	return raw.Bytes()[raw.Len()-int(orderOf(big).Uint32(raw.Bytes()[4:])):]
}

// argumentSeeds are arguments in the shapes that frontends send, by signature.
var argumentSeeds = map[string][][]any{
	"":   {{}},
	"s":  {{"tok-of-somebody"}, {names.Main}, {""}},
	"t":  {{uint64(7)}},
	"su": {{"png", uint32(0)}, {"svg", uint32(32)}, {"gif", uint32(33)}},
	"ss": {{"51a0c4f5", "https://10.0.0.2:32400"}, {names.Main, "State"}, {"org.freedesktop.LogControl1", "LogLevel"}, {" kim\n", "\t4821 "}},
	"ssv": {
		{names.Main, "State", dbus.MakeVariant("x")}, {"org.freedesktop.LogControl1", "LogLevel", dbus.MakeVariant("debug")},
		{"", "Pin", dbus.MakeVariant([]any{"x"})},
	},
	"a{sv}": {
		{options{"strong": dbus.MakeVariant(true), "force": dbus.MakeVariant(false)}},
		{options{"token": dbus.MakeVariant("tok-of-somebody"), "user_id": dbus.MakeVariant("42"), "issued_at": dbus.MakeVariant(int64(1 << 40))}},
		{options{"strong": dbus.MakeVariant("yes"), "issued_at": dbus.MakeVariant("now"), "expires_at": dbus.MakeVariant(uint32(1))}},
		{options{}},
	},
}

// journal is what has been logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

// allocated counts all bytes of memory that have been asked for.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
