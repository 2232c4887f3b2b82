// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// recorder is a connection that keeps every byte it has read.
type recorder struct {
	net.Conn
	mu    sync.Mutex
	data  []byte
	grown chan struct{} // closed when data grows, then replaced
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.data = append(r.data, p[:n]...)
	close(r.grown)
	r.grown = make(chan struct{})
	return n, err
}

// await returns all that was read, once it is enough.
func (r *recorder) await(ctx context.Context, enough func(string) bool) (string, error) {
	for {
		r.mu.Lock()
		data, grown := string(r.data), r.grown
		r.mu.Unlock()
		if enough(data) {
			return data, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return data, ctx.Err()
		}
	}
}

// record opens a connection and keeps what it reads.
func record(address string) (*dbus.Conn, *recorder, error) {
	var kept *recorder
	conn, _, err := openRaw(address, func(socket net.Conn) io.ReadWriteCloser {
		kept = &recorder{Conn: socket, grown: make(chan struct{})}
		return kept
	})
	return conn, kept, err
}

// listen records what everybody may hear.
func listen(address string) (*recorder, error) {
	conn, kept, err := record(address)
	if err != nil {
		return nil, err
	}
	return kept, conn.AddMatchSignal()
}

// recorders starts a listener, and a monitor that gets every message on the bus.
func (b *box) recorders() (listener, monitor *recorder) {
	b.t.Helper()
	listener, err := listen(b.bus.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = listener.Close() })
	conn, monitor, err := record(b.bus.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	err = conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, []string{}, uint32(0)).Err
	if err != nil {
		b.t.Fatal(err)
	}
	return listener, monitor
}

// wholeRun pairs, signs in, is refused and signs out. It calls no method whose
// answer is a secret.
func (b *box) wholeRun(c *client) {
	b.t.Helper()
	p := c.requestPin()
	c.main("RequestPinWithOptions", options{}).gives("tsssx")
	c.main("CheckPinStatus", p.ID).gives("bx")
	if err := b.plex.Claim(p.Code, ""); err != nil {
		b.t.Fatal(err)
	}
	c.hearsChange(values{"Authenticated": true, "State": "signed-in", "Pin": noPin()})
	c.hearsAuth(true, "signed-in")
	c.hears(names.Main+".PinEnded", p.ID, "claimed")
	c.main("Validate").gives("b")
	c.call(properties+".GetAll", names.Main).gives("a{sv}")
	c.credentials("SelectServer", "machine", "http://10.0.0.2:32400").gives("")
	b.breakStorage()
	c.credentials("SelectServer", "", "").isError(names.ErrorPrefix + "StorageFailed")
	b.mendStorage()
	for _, token := range b.secrets() {
		_ = b.plex.Refuse(token, 401) // what is no token is no matter
	}
	c.main("Validate").gives("b")
	c.hearsChange(values{"SelectedServer": []any{"machine", "http://10.0.0.2:32400"}})
	c.hearsChange(values{"State": "unverified"})
	c.hearsChange(values{"Authenticated": false, "State": "expired"})
	c.hearsAuth(false, "revoked")
	c.credentials("GetToken").isError(names.ErrorPrefix + "AuthInvalid")
	c.credentials("SignOut").gives("b")
	c.hearsChange(values{"State": "signed-out", "SelectedServer": []any{"", ""}})
	c.hearsAuth(false, "signed-out")
}

// ranToTheEnd reports whether that is all there is to hear of a wholeRun.
func ranToTheEnd(heard string) bool {
	last := strings.LastIndex(heard, "AuthChanged")
	return last >= 0 && strings.Contains(heard[last:], "signed-out\x00")
}

// checkForSecrets looks through what somebody has heard of a wholeRun.
func (b *box) checkForSecrets(who, heard string) {
	b.t.Helper()
	secrets := b.secrets()
	if len(secrets) < 4 || !ranToTheEnd(heard) {
		b.t.Fatalf("%d secrets, and the %s heard %q", len(secrets), who, heard)
	}
	for _, text := range append(secrets, "alice") {
		if strings.Contains(heard, text) {
			b.t.Errorf("the %s has heard %q", who, text)
		}
	}
}

func TestNoSecretCrossesTheMainInterface(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	listener, monitor := b.recorders()
	b.wholeRun(c)
	for who, kept := range map[string]*recorder{"listener": listener, "monitor": monitor} {
		heard, _ := kept.await(b.ctx, ranToTheEnd)
		b.checkForSecrets(who, heard)
	}
}

func TestMonitorHearsWhatIsSaid(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	listener, monitor := b.recorders()
	c.signIn(b.token)
	c.credentials("GetToken").gives("s")
	if _, err := monitor.await(b.ctx, func(heard string) bool { return strings.Contains(heard, b.token) }); err != nil {
		t.Error("the monitor would not notice a token: ", err)
	}
	heard, err := listener.await(b.ctx, func(heard string) bool { return strings.Contains(heard, "reason") })
	if err != nil || strings.Contains(heard, b.token) {
		t.Errorf("the listener has heard %q: %v", heard, err)
	}
}
