// SPDX-License-Identifier: Apache-2.0

// Package accessgroup finds the group whose members may call plexauthd, also in
// systemd's userdb or in LDAP, where only the C library looks: in a statically
// linked program, os/user reads nothing but /etc/group.
package accessgroup

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// Name is the group's.
const Name = "plexauth"

// Group is what one source says of the group.
type Group struct {
	ID      uint32
	Members []string // those that the group lists; nil if Source is [Files]
	Source  string   // [Files] or [NSS]
}

// Sources of a [Group].
const (
	Files = "/etc/group"
	NSS   = "getent"
)

// ErrNone means that there is no such group.
var ErrNone = errors.New("there is no such group")

// InFiles looks in /etc/group. It fails with [ErrNone] if the group is not there.
func InFiles(name string) (Group, error) {
	found, err := user.LookupGroup(name)
	var missing user.UnknownGroupError
	if errors.As(err, &missing) {
		return Group{}, ErrNone
	}
	if err != nil {
		return Group{}, fmt.Errorf("reading %s: %w", Files, err)
	}
	id, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return Group{}, fmt.Errorf("reading %s: %w", Files, err)
	}
	return Group{ID: uint32(id), Source: Files}, nil
}

// notFound is the exit status of getent(1) for what it does not find.
const notFound = 2

// InNSS asks the Name Service Switch, by running getent. It fails with [ErrNone] if
// the group is not there either, or if there is no getent, and so no NSS. Where a
// directory service cannot be reached it can take as long as ctx allows.
func InNSS(ctx context.Context, name string) (Group, error) {
	cmd := exec.CommandContext(ctx, "getent", "group", name)
	cmd.WaitDelay = time.Second // for what it has started
	out, err := cmd.Output()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return parse(string(out))
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &ended) && ended.ExitCode() == notFound:
		return Group{}, ErrNone
	}
	select {
	case <-ctx.Done(): // of which a process that was killed tells nothing
		err = ctx.Err()
	default:
	}
	return Group{}, fmt.Errorf("running getent: %w", err)
}

// parse reads a line of group(5): name, password, number, members.
func parse(line string) (Group, error) {
	fields := strings.Split(strings.TrimSpace(line), ":")
	if len(fields) != 4 {
		return Group{}, fmt.Errorf("getent printed %.100q", line)
	}
	id, err := strconv.ParseUint(fields[2], 10, 32)
	if err != nil {
		return Group{}, fmt.Errorf("getent printed %.100q", line)
	}
	g := Group{ID: uint32(id), Source: NSS}
	if fields[3] != "" {
		g.Members = strings.Split(fields[3], ",")
	}
	return g, nil
}

// Find looks in /etc/group and then asks NSS.
func Find(ctx context.Context) (Group, error) {
	g, err := InFiles(Name)
	if errors.Is(err, ErrNone) {
		g, err = InNSS(ctx, Name)
	}
	return g, err
}
