// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// acts are what happens on a box. Each finds ada signed in and may leave her
// otherwise; errors are failures of the test.
var acts = []struct {
	name string
	do   func(*visitor) error
}{
	{"a claimed PIN", (*visitor).claimPin},
	{"a cancelled PIN", (*visitor).cancelPin},
	{"an expired PIN", (*visitor).expirePin},
	{"users take turns", (*visitor).takeTurns},
	{"servers", (*visitor).askServers},
	{"signed out", (*visitor).signOut},
	{"revoked", (*visitor).revoked},
	{"a stored token", (*visitor).storeToken},
	{"another configuration", (*visitor).reload},
	{"the network is back", (*visitor).networkIsBack},
	{"plex.tv fails", (*visitor).plexFails},
	{"callers leave", (*visitor).callersLeave},
	{"a crowd", (*visitor).crowd},
}

// adaIsIn gets ada signed in and plex.tv reached, whatever was before. When plex.tv
// refuses the token she does not wait until the daemon believes that.
func (v *visitor) adaIsIn() error {
	for v.ctx.Err() == nil {
		status, err := v.State(v.ctx)
		if err != nil {
			return err
		}
		if !status.Authenticated {
			err = v.claimPin()
		} else if user, _ := v.CurrentUser(v.ctx); user.UUID != daemontest.AdasUUID {
			err = v.SwitchUser(v.ctx, daemontest.AdasUUID, secret.String{})
		} else if valid, askErr := v.Validate(v.ctx); valid {
			return nil
		} else if err = askErr; err == nil {
			err = v.claimPin()
		}
		if err != nil && !passing(err) {
			return err
		}
		v.rest(100 * time.Millisecond)
	}
	return errors.New("ada does not get in")
}

// passing tells whether err is something to wait out: what plex.tv has asked for
// earlier, or an account that has just ended in another act.
func passing(err error) bool {
	switch client.CodeOf(err) {
	case client.RateLimited, client.Unreachable, client.ServerError, client.InvalidResponse,
		client.AuthRequired, client.AuthInvalid, client.NotFound:
		return true
	}
	return false
}

func (v *visitor) rest(d time.Duration) {
	select {
	case <-v.ctx.Done():
	case <-time.After(d):
	}
}

func (v *visitor) claimPin() error {
	pin, err := v.RequestPin(v.ctx, client.PinOptions{Strong: v.random.IntN(4) == 0, Force: true})
	if err != nil {
		return err
	}
	if err := v.Sim.Claim(pin.Code, v.ada); err != nil {
		return err
	}
	return v.pinEnds(pin.ID, "claimed")
}

func (v *visitor) pinEnds(id uint64, result client.Result) error {
	for {
		end, err := v.watch.Next(client.PinEnded)
		if err != nil {
			return err
		}
		if end.PinID == id && end.Result != result {
			return fmt.Errorf("the pairing has ended as %s, not %s", end.Result, result)
		}
		if end.PinID == id {
			return nil
		}
	}
}

func (v *visitor) cancelPin() error {
	pin, err := v.RequestPin(v.ctx, client.PinOptions{Force: true})
	if err != nil {
		return err
	}
	_, qrErr := v.PinQR(v.ctx, "png", 4)
	_, _, checkErr := v.CheckPin(v.ctx, pin.ID)
	if err := errors.Join(qrErr, checkErr, v.CancelPin(v.ctx, pin.ID)); err != nil {
		return err
	}
	return v.pinEnds(pin.ID, "cancelled")
}

func (v *visitor) expirePin() error {
	pin, err := v.RequestPin(v.ctx, client.PinOptions{Force: true})
	if err == nil {
		err = v.Sim.ExpirePin(pin.Code)
	}
	if err != nil {
		return err
	}
	return v.pinEnds(pin.ID, "expired")
}

func (v *visitor) takeTurns() error {
	_, listErr := v.HomeUsers(v.ctx)
	wrong := v.SwitchUser(v.ctx, daemontest.BobsUUID, secret.New("0000"))
	if code := client.CodeOf(wrong); code != client.PinRejected && code != client.RateLimited {
		return fmt.Errorf("a wrong PIN was answered with %w", wrong)
	}
	err := errors.Join(listErr, v.SwitchUser(v.ctx, daemontest.KimsUUID, secret.String{}))
	if bob := v.SwitchUser(v.ctx, daemontest.BobsUUID, secret.New(daemontest.BobsPIN)); client.CodeOf(bob) != client.RateLimited {
		err = errors.Join(err, bob) // wrong PINs before may have to be waited for
	}
	return errors.Join(err, v.SwitchUser(v.ctx, daemontest.AdasUUID, secret.String{}))
}

func (v *visitor) askServers() error {
	_, listErr := v.Servers(v.ctx)
	_, headersErr := v.ServerHeaders(v.ctx, daemontest.MachineID)
	_, renewErr := v.RenewServerHeaders(v.ctx, daemontest.MachineID)
	_, unknown := v.ServerHeaders(v.ctx, "none")
	if client.CodeOf(unknown) != client.NotFound {
		return fmt.Errorf("an unknown server was answered with %w", unknown)
	}
	if client.CodeOf(renewErr) == client.RateLimited {
		renewErr = nil
	}
	return errors.Join(listErr, headersErr, renewErr,
		v.SelectServer(v.ctx, client.Server{MachineID: daemontest.MachineID, URI: "https://10-0-0-2.plex.direct:32400"}))
}

func (v *visitor) signOut() error {
	if v.random.IntN(2) == 0 {
		return v.ClearCredentials(v.ctx)
	}
	_, err := v.SignOut(v.ctx)
	return err
}

// revoked has plex.tv refuse the token; with a device key the daemon gets another.
// Without one it believes three refusals over half a minute, over a whole one while
// the token is new: a few times in a run that is waited for.
func (v *visitor) revoked() error {
	token, err := v.Token(v.ctx)
	if err != nil {
		return err
	}
	if err := v.Sim.Revoke(token.Reveal()); err != nil {
		return nil // a JWT that has been replaced meanwhile
	}
	_, err = v.Validate(v.ctx)
	if err != nil || v.mode == "jwt" || v.expired > int(*length/(10*time.Minute)) {
		return err
	}
	v.expired++
	for v.ctx.Err() == nil {
		if status, err := v.State(v.ctx); err != nil || status.State == client.Expired {
			return err
		}
		v.rest(100 * time.Millisecond)
	}
	return errors.New("the daemon does not believe that plex.tv refuses the token")
}

// storeToken brings in what was handed out.
func (v *visitor) storeToken() error {
	token, err := v.Token(v.ctx)
	if err == nil {
		_, err = v.ValidateToken(v.ctx, token)
	}
	if err != nil {
		return err
	}
	return v.StoreCredentials(v.ctx, client.Credentials{Token: token})
}

func (v *visitor) reload() error {
	name := v.configure()
	v.process.Signal(syscall.SIGHUP)
	for v.ctx.Err() == nil {
		headers, err := v.Headers(v.ctx)
		if err != nil {
			return err
		}
		for key, value := range headers.All() {
			if key == "X-Plex-Device-Name" && value == name {
				return nil
			}
		}
		v.rest(10 * time.Millisecond)
	}
	return fmt.Errorf("the configuration with the name %q is not in force", name)
}

// networkIsBack is NetworkManager, which comes, says so and goes.
func (v *visitor) networkIsBack() error {
	conn, err := dbus.Connect(v.Bus.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	const name, path = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
	if _, err := conn.RequestName(name, dbus.NameFlagReplaceExisting); err != nil {
		return err
	}
	for _, state := range []uint32{20, 60, 70} {
		err = errors.Join(err, conn.Emit(path, name+".StateChanged", state))
	}
	return errors.Join(err, v.everything(v.ctx, nil))
}

// faults are how plex.tv and the way to it fail.
var faults = []plextvsim.Fault{
	{Status: 429, RetryAfter: "1"}, // plexPause
	{Status: 500},
	{Status: 503, RetryAfter: "1"},
	plextvsim.CaptivePortal(),
	{Reset: true},
	{Lost: true},
	{CutOff: true},
	{Delay: 300 * time.Millisecond},
	{PadTo: 3 << 20},
}

func (v *visitor) plexFails() error {
	fault := faults[v.random.IntN(len(faults))]
	fault.Times = 1 + v.random.IntN(6)
	v.Sim.Fail(fault)
	defer v.Sim.Clear()
	ask := func(ctx context.Context, call func(context.Context) error) error {
		if err := call(ctx); err != nil && !passing(err) {
			return err
		}
		return nil
	}
	return v.everything(v.ctx, ask)
}
