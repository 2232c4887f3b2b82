// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// arg is one argument of a member: its name, for error messages, and its D-Bus
// type.
type arg struct{ name, signature string }

// member is one method on the bus. It has either atOnce or run.
type member struct {
	in     []arg
	action action // required of the caller; "" is for everybody

	// atOnce answers from the snapshot and must not block, because all other
	// callers wait for it. Its answers are cached until the account changes, unless
	// fresh says that they depend on anything else.
	atOnce func(now *auth.Snapshot, c *call) ([]any, error)
	fresh  bool
	// givesToken marks an answer with the token. A token that is about to expire is
	// renewed first, while other calls are answered.
	givesToken bool
	// long marks an answer so long that others should not wait for the bus to
	// take it.
	long bool

	// run may block: it runs on a goroutine of its own, of which there is a limited
	// number.
	run func(ctx context.Context, c *call) ([]any, error)
	// asksPlex marks a run that asks plex.tv. It ends when the caller leaves the
	// bus.
	asksPlex bool

	name      string
	signature string // of in
	answers   answers
}

// members of one interface, by name.
type members map[string]*member

// object is what is found at one path: members by interface.
type object map[string]members

// HandleCall implements [bus.Handler].
func (s *Service) HandleCall(c *bus.Call) {
	select {
	case <-s.ready:
		s.handle(c)
	default: // the bus's answer to RequestName may not have been read yet
		s.spawn(s.early, c, func(c *bus.Call) {
			<-s.ready
			s.handle(c)
		})
	}
}

// handle answers a call, or starts a goroutine that does.
func (s *Service) handle(c *bus.Call) {
	began := s.clock.Now()
	m, err := s.find(c)
	if err != nil {
		c.Reply(func() bus.Reply { return failure(err) })
		return
	}
	trusted, err := s.access.trusts(s.conn.Context(), c.Sender, m.action)
	switch {
	case err != nil:
		s.reply(m, c, began, func() bus.Reply { return failure(err) })
	case !trusted:
		s.spawn(s.strangers, c, func(c *bus.Call) { s.work(m, c, began, false) })
	case m.atOnce != nil && !m.long && (!m.givesToken || s.account.IsFresh()):
		s.reply(m, c, began, func() bus.Reply { return s.answerAtOnce(m, c) })
	case m.action == "":
		s.spawn(s.strangers, c, func(c *bus.Call) { s.work(m, c, began, true) })
	default:
		s.spawn(s.running, c, func(c *bus.Call) { s.work(m, c, began, true) })
	}
}

// find returns the member that is called. As the D-Bus specification says, a call
// without an interface goes to any interface with such a member, and a call to Peer
// may have any path.
func (s *Service) find(c *bus.Call) (*member, error) {
	o, found := s.objects[dbus.ObjectPath(c.Path)]
	if string(c.Interface) == peer {
		o, found = s.objects["/"]
	}
	if !found {
		return nil, unknown(names.ErrUnknownObject, "object", c.Path)
	}
	if len(c.Interface) == 0 {
		for _, some := range o {
			if m, found := some[string(c.Member)]; found {
				return m, nil
			}
		}
		return nil, unknown(names.ErrUnknownMethod, "method", c.Member)
	}
	some, found := o[string(c.Interface)]
	if !found {
		return nil, unknown(names.ErrUnknownInterface, "interface", c.Interface)
	}
	m, found := some[string(c.Member)]
	if !found {
		return nil, unknown(names.ErrUnknownMethod, "method", c.Member)
	}
	return m, nil
}

// spawn runs do for a call on a goroutine of its own, unless limit refuses it.
func (s *Service) spawn(limit *inFlight, c *bus.Call, do func(*bus.Call)) {
	sender, size := string(c.Sender), c.Size()
	if err := limit.begin(sender, size); err != nil {
		c.Reply(func() bus.Reply { return failure(err) })
		return
	}
	own := c.Clone()
	go func() {
		defer limit.end(sender, size)
		do(own)
	}()
}

// work answers a call that may block, because of its member or because NSS or
// polkit is asked about the caller.
func (s *Service) work(m *member, c *bus.Call, began time.Time, trusted bool) {
	ctx := s.conn.Context()
	if m.asksPlex {
		var end func()
		ctx, end = s.callers.watch(string(c.Sender))
		defer end()
	}
	if !trusted {
		if err := s.access.permit(ctx, newCall(c), m.action); err != nil {
			s.reply(m, c, began, func() bus.Reply { return failure(err) })
			return
		}
	}
	if m.givesToken {
		s.account.Fresh(ctx)
	}
	result := s.perform(ctx, m, c)
	s.reply(m, c, began, func() bus.Reply { return result })
}

// perform calls a member and returns the reply.
func (s *Service) perform(ctx context.Context, m *member, c *bus.Call) bus.Reply {
	if m.atOnce != nil {
		return s.answerAtOnce(m, c)
	}
	if m.asksPlex {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		// The time starts here: polkit may have asked a person for a password
		// first.
		defer s.clock.AfterFunc(answerTimeout, func() { cancel(errPlexSilent) }).Stop()
	}
	return s.invoke(m, c, func(args *call) ([]any, error) {
		results, err := m.run(ctx, args)
		if err != nil && context.Cause(ctx) == errPlexSilent {
			err = errPlexSilent
		}
		return results, err
	})
}

// answerAtOnce returns the cached answer, or makes one.
func (s *Service) answerAtOnce(m *member, c *bus.Call) bus.Reply {
	now := s.account.Snapshot()
	answer := func() bus.Reply {
		return s.invoke(m, c, func(args *call) ([]any, error) { return m.atOnce(now, args) })
	}
	raw, usual := c.RawArguments()
	if !usual || m.fresh || string(c.Signature) != m.signature {
		return answer()
	}
	return m.answers.get(now, raw, answer)
}

// invoke checks and decodes the arguments and passes them to answer.
func (s *Service) invoke(m *member, c *bus.Call, answer func(*call) ([]any, error)) (reply bus.Reply) {
	defer func() {
		if cause := recover(); cause != nil {
			// Only the type: the value could hold an argument.
			s.log.Error("a call panicked", "member", m.name, "panic", fmt.Sprintf("%T", cause))
			reply = bus.Failure(names.ErrFailed, "the daemon failed to answer "+m.name)
		}
	}()
	args, err := m.arguments(c)
	if err != nil {
		return failure(err)
	}
	results, err := answer(args)
	if err != nil {
		return failure(err)
	}
	if reply, err = bus.Values(results...); err != nil {
		return failure(fmt.Errorf("answering %s: %w", m.name, err))
	}
	return reply
}

// reply sends a reply, and logs the call at level debug.
func (s *Service) reply(m *member, c *bus.Call, began time.Time, compute func() bus.Reply) {
	c.Reply(func() bus.Reply {
		reply := compute()
		if s.log.Enabled(context.Background(), slog.LevelDebug) {
			s.log.Debug("call", "member", m.name, "caller", string(c.Sender),
				"duration", s.clock.Since(began), "failed", reply.Failed())
		}
		return reply
	})
}
