// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"fmt"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// run calls a member that may block.
func (j job) run() bus.Reply {
	s, m := j.service, j.member
	if !m.asksPlex && !m.givesToken {
		return j.runFor(s.conn.Context())
	}
	ctx, end := s.conn.Context(), func() {}
	if m.asksPlex {
		ctx, end = s.callers.watch(j.caller())
	}
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer s.clock.AfterFunc(j.due.Sub(s.clock.Now()), func() { cancel(errPlexSilent) }).Stop()
	return j.runFor(ctx)
}

func (j job) runFor(ctx context.Context) bus.Reply {
	if j.member.givesToken {
		j.service.account.Fresh(ctx)
	}
	if j.member.atOnce != nil {
		return j.answerAtOnce()
	}
	return j.invoke(func(j job) ([]any, error) {
		results, err := j.member.run(ctx, j)
		if err != nil && context.Cause(ctx) == errPlexSilent {
			err = errPlexSilent
		}
		return results, err
	})
}

// answerAtOnce returns the cached answer, or makes one.
func (j job) answerAtOnce() bus.Reply {
	m, now := j.member, j.service.account.Snapshot()
	answer := func() bus.Reply {
		return j.invoke(func(j job) ([]any, error) { return m.atOnce(now, j) })
	}
	raw, usual := j.call.RawArguments()
	if !usual || m.fresh || string(j.call.Signature) != m.signature {
		return answer()
	}
	return m.answers.get(now, raw, answer)
}

// invoke checks and decodes the arguments and passes them to answer.
func (j job) invoke(answer func(job) ([]any, error)) (reply bus.Reply) {
	name := j.member.name
	defer func() {
		if cause := recover(); cause != nil {
			// Only the type: the value could hold an argument.
			j.service.log.Error("a call panicked", "member", name, "panic", fmt.Sprintf("%T", cause))
			reply = bus.Failure(names.ErrFailed, "the daemon failed to answer "+name)
		}
	}()
	args, err := j.arguments()
	if err != nil {
		return failure(err)
	}
	j.args = args
	results, err := answer(j)
	if err != nil {
		return failure(err)
	}
	if reply, err = bus.Values(results...); err != nil {
		return failure(fmt.Errorf("answering %s: %w", name, err))
	}
	return reply
}

// arguments checks and decodes the arguments.
func (j job) arguments() ([]any, error) {
	m := j.member
	if err := m.checkTypes(string(j.call.Signature)); err != nil {
		return nil, err
	}
	if len(m.in) == 0 {
		return nil, nil
	}
	name := "arguments"
	if len(m.in) == 1 {
		name = m.in[0].name
	}
	if j.call.TooLong {
		return nil, invalidArg(name, "is longer than a call may be")
	}
	args, err := j.call.Arguments()
	if err != nil {
		return nil, invalidArg(name, "cannot be decoded")
	}
	return args, nil
}
