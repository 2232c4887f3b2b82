// SPDX-License-Identifier: Apache-2.0

// Package accessgroup finds the group whose members may call plexauthd, also in
// systemd's userdb or in LDAP, where only the C library looks.
package accessgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Name is the group's.
const Name = "plexauth"

// Group is what one source says of the group.
type Group struct {
	ID      uint32
	Members []string // those that the group lists, not those whose first group it is
	Source  string   // [Files] or [NSS]
}

// Sources of a [Group].
const (
	Files = "/etc/group"
	NSS   = "getent"
)

const users = "/etc/passwd"

// ErrNone means that there is no such group.
var ErrNone = errors.New("there is no such group")

// InFiles looks in /etc/group. It fails with [ErrNone] if the group is not there.
func InFiles(name string) (Group, error) {
	line, err := lineWith(Files, 0, name)
	if err != nil {
		return Group{}, err
	}
	g, err := parse(line)
	if err != nil {
		return Group{}, fmt.Errorf("the line of %s in %s: %w", name, Files, err)
	}
	g.Source = Files
	return g, nil
}

// Of returns the groups of a user, as /etc/passwd and /etc/group have them; none if
// they cannot be read, or the user is not there.
func Of(uid uint32) (ids []uint32) {
	line, err := lineWith(users, 2, strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return nil
	}
	user := strings.Split(line, ":")
	text, _ := os.ReadFile(Files)
	for line := range strings.Lines(string(text)) {
		g, err := parse(line)
		if err == nil && (slices.Contains(g.Members, user[0]) || strings.Split(line, ":")[2] == user[3]) {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

// lineWith returns the line of passwd(5) or group(5) that has value in a field. It
// fails with [ErrNone] if there is no such line, or no such file.
func lineWith(file string, field int, value string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ":"); len(fields) > 3 && fields[field] == value {
			return line, nil
		}
	}
	return "", ErrNone
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
		g, err := parse(string(out))
		if err != nil {
			return Group{}, fmt.Errorf("getent printed %.100q", out)
		}
		g.Source = NSS
		return g, nil
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
		return Group{}, errors.New("it does not have four fields")
	}
	id, err := strconv.ParseUint(fields[2], 10, 32)
	if err != nil {
		return Group{}, errors.New("its number is none")
	}
	g := Group{ID: uint32(id)}
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
