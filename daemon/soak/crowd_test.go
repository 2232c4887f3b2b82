// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"context"
	"errors"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// everything calls what asks plex.tv, and what does not, through ask if there is
// one.
func (v *visitor) everything(ctx context.Context, ask func(context.Context, func(context.Context) error) error) error {
	if ask == nil {
		ask = func(ctx context.Context, call func(context.Context) error) error { return call(ctx) }
	}
	return errors.Join(
		ask(ctx, func(ctx context.Context) error { _, err := v.State(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.Token(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.CurrentUser(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.Headers(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.StoredCredentials(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.Validate(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.Servers(ctx); return err }),
		ask(ctx, func(ctx context.Context) error { _, err := v.HomeUsers(ctx); return err }),
	)
}

// callersLeave has many call while plex.tv takes its time, and leave before the
// answer.
func (v *visitor) callersLeave() error {
	v.Sim.Fail(plextvsim.Fault{Delay: 300 * time.Millisecond, Times: 20})
	defer v.Sim.Clear()
	for _, call := range []func(*visitor, context.Context) error{
		func(v *visitor, ctx context.Context) error { _, err := v.Validate(ctx); return err },
		func(v *visitor, ctx context.Context) error {
			_, err := v.ValidateToken(ctx, secret.New("x"))
			return err
		},
		func(v *visitor, ctx context.Context) error { _, err := v.Servers(ctx); return err },
		func(v *visitor, ctx context.Context) error { _, err := v.HomeUsers(ctx); return err },
		func(v *visitor, ctx context.Context) error {
			return v.SwitchUser(ctx, daemontest.KimsUUID, secret.String{})
		},
		func(v *visitor, ctx context.Context) error {
			_, err := v.RequestPin(ctx, client.PinOptions{Force: true})
			return err
		},
		func(v *visitor, ctx context.Context) error { _, err := v.SignOut(ctx); return err },
	} {
		caller := v.visit()
		ctx, cancel := context.WithTimeout(v.ctx, time.Duration(v.random.IntN(60))*time.Millisecond)
		_ = call(caller, ctx) // nobody waits for the answer
		cancel()
		caller.leave()
	}
	v.rest(time.Second) // for the daemon to get over with it
	return nil
}

// crowd has many read at once.
func (v *visitor) crowd() error {
	const many = 15
	done := make(chan error, many)
	for range many {
		caller := v.visit()
		go func() {
			defer caller.leave()
			done <- caller.everything(caller.ctx, nil)
		}()
	}
	var err error
	for range many {
		err = errors.Join(err, <-done)
	}
	return err
}
