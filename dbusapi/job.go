// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// job is one call on its way to its answer: find the member, admit the caller, run
// the member, reply. All of it happens at once, on the goroutine that reads the bus,
// unless something has to be waited for. Then the job moves to a goroutine of its
// own, of which there is a limited number.
//
// Jobs are passed by value, so that what is answered at once allocates nothing.
type job struct {
	service *Service
	call    *bus.Call // until the job moves, valid until HandleCall returns
	size    int       // of the call in bytes
	began   time.Time
	due     time.Time // when the caller is to be answered, whatever plex.tv does
	member  *member
	uid     uint32 // of the caller, if the member needs an action
	args    []any
	in      *places // where the job has a place; nil until it moves
}

// HandleCall implements [bus.Handler].
func (s *Service) HandleCall(c *bus.Call) {
	now := s.clock.Now()
	j := job{service: s, call: c, size: c.Size(), began: now, due: now.Add(answerTimeout)}
	select {
	case <-s.ready:
		j.handle()
	default: // the bus's answer to RequestName may not have been read yet
		j.move(s.early, job.handleWhenReady)
	}
}

func (j job) handleWhenReady() {
	<-j.service.ready
	j.handle()
}

// handle finds the member and admits the caller.
func (j job) handle() {
	m, err := j.find()
	if err != nil {
		j.refuse(err)
		return
	}
	j.member = m
	j.admit()
}

// find returns the member that is called. A call to Peer may have any path.
func (j job) find() (*member, error) {
	path := dbus.ObjectPath(j.call.Path)
	if string(j.call.Interface) == names.Peer {
		path = "/"
	}
	o, found := j.service.objects[path]
	if !found {
		return nil, unknown(names.ErrUnknownObject, "object", j.call.Path)
	}
	return o.find(j.call.Interface, j.call.Member)
}

// admit runs the member for callers who may call it. About others it asks first.
func (j job) admit() {
	s, m := j.service, j.member
	if m.action == "" {
		j.start(s.open)
		return
	}
	who, err := s.access.whoIs(s.conn.Context(), j.call.Sender)
	j.uid = who.uid
	switch {
	case err != nil:
		j.refuse(err)
	case s.access.trusts(who):
		j.start(s.running)
	default:
		j.move(s.asking, job.askPermission)
	}
}

// askPermission asks NSS and polkit about the caller, and if polkit wants
// that, the person at the screen.
func (j job) askPermission() {
	s := j.service
	err := s.access.permit(s.conn.Context(), j.caller(), j.member.action)
	switch {
	case errors.Is(err, errChallenge) && j.call.Interactive():
		j.move(s.prompting, job.prompt)
	case err != nil:
		j.refuse(err)
	default:
		j.move(s.running, job.work)
	}
}

// prompt has polkit ask the person at the screen.
func (j job) prompt() {
	s := j.service
	ctx, end := s.callers.watch(j.caller())
	err := s.access.prompt(ctx, j.caller(), j.member.action)
	end()
	if err != nil {
		j.refuse(err)
		return
	}
	j.due = s.clock.Now().Add(answerTimeout)
	j.move(s.running, job.work)
}

// start runs the member at once if it can be, and else in one of the places.
func (j job) start(in *places) {
	m := j.member
	if m.atOnce == nil || m.long || (m.givesToken && !j.service.account.IsFresh()) {
		j.move(in, job.work)
		return
	}
	j.reply(job.answerAtOnce)
}

// work runs a member that may block. The signals of what it has changed are sent
// before the answer.
func (j job) work() {
	result := j.run()
	j.service.settle(j.service.conn.Context())
	j.reply(func(job) bus.Reply { return result })
}

// move continues the job on a goroutine of its own, if there is a place for it. It
// leaves the place where it was.
func (j job) move(to *places, next func(job)) {
	if err := to.take(j.holder(to), j.size); err != nil {
		j.refuse(err)
		return
	}
	j.leave()
	j.in, j.call = to, j.call.Clone()
	go next(j)
}

// leave leaves the place of a job that has moved.
func (j job) leave() {
	if j.in != nil {
		j.in.leave(j.holder(j.in), j.size)
	}
}

// holder is who takes a place: a connection to the bus, or the user where one user
// with many connections must not take all.
func (j job) holder(of *places) string {
	if of.perUser {
		return strconv.FormatUint(uint64(j.uid), 10)
	}
	return j.caller()
}

func (j job) caller() string { return string(j.call.Sender) }

func (j job) refuse(err error) {
	j.reply(func(job) bus.Reply { return failure(err) })
}

// reply sends the reply, and logs the call at level debug. The place is left before the
// caller can have the answer and call again, but not before it is the answer's
// turn to be sent: answers that wait for that are limited in number, too.
func (j job) reply(compute func(job) bus.Reply) {
	j.call.Reply(func() bus.Reply {
		reply := compute(j)
		j.leave()
		if log := j.service.log; j.member != nil && log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug("call", "member", j.member.name, "caller", j.caller(),
				"duration", j.service.clock.Since(j.began), "failed", reply.Failed())
		}
		return reply
	})
}
