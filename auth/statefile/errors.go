// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNewer says that the state file has a newer version than this daemon
// knows. The file is left as it is and nothing is saved over it.
var ErrNewer = errors.New("the state file has a newer version than this daemon knows")

// CorruptError says that the state file could not be understood: it does not
// parse, the device key is half-written, or a power cut left it empty or filled
// with NUL bytes. Its text never holds anything from the file but the
// number of a line or the name of one of our keys.
type CorruptError struct {
	// Path is the state file.
	Path string
	// SetAside is where the file is now. Empty if it could not be moved:
	// then it is still at Path and nothing is saved over it.
	SetAside string
	// Err is what is wrong with the file and, if something went wrong while
	// moving it, that too.
	Err error
}

// Error implements error.
func (e *CorruptError) Error() string {
	if e.SetAside == "" {
		return fmt.Sprintf("state file %s is corrupt and could not be set aside, so nothing will be saved: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("state file %s is corrupt and was set aside as %s: %v", e.Path, e.SetAside, e.Err)
}

// Unwrap returns Err.
func (e *CorruptError) Unwrap() error { return e.Err }

// UnreadError says that some values in the state file cannot be read as what their
// keys are for, such as a list in the place of a name. They count as absent, the
// rest of the state is as the file holds it, and the next Save replaces them.
type UnreadError struct {
	// Path is the state file.
	Path string
	// Keys are the full names of the keys and tables, all of them ours.
	Keys []string
}

// Error implements error.
func (e *UnreadError) Error() string {
	return fmt.Sprintf("state file %s: the values of these keys cannot be read and count as absent: %s", e.Path, strings.Join(e.Keys, ", "))
}

// AccessError says that what is at the state file's path cannot be read as a
// file: it is a directory, a device, a symbolic link, not permitted, or the
// disk fails. It is left as it is and nothing is saved over it.
type AccessError struct {
	// Path is the state file.
	Path string
	// Err is the reason.
	Err error
}

// Error implements error.
func (e *AccessError) Error() string {
	return fmt.Sprintf("state file %s cannot be used: %v", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *AccessError) Unwrap() error { return e.Err }

// SealError says that the secrets in the state file are sealed and cannot be
// opened: there is no key, or not the one they were sealed with, or somebody
// altered them, moved them to another key of the file or brought them from
// another box. The file is left as it is and nothing is saved over it.
type SealError struct {
	// Path is the state file.
	Path string
	// Err names the first key in the file that cannot be opened, and why.
	Err error
}

// Error implements error.
func (e *SealError) Error() string {
	return fmt.Sprintf("state file %s is sealed and cannot be opened: %v; "+
		"start with the credential plexauthd.key that it was sealed with, or remove the file and sign in again", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *SealError) Unwrap() error { return e.Err }

// WriteError says that the state was not saved. What is on disk is still the
// old state, whole, unless Err says that it could not be put back.
type WriteError struct {
	// Op is what was tried: "create directory", "open directory",
	// "remove old copy", "keep old copy", "encode", "seal", "write", "confirm", or
	// "save" when the file as it was found forbids it.
	Op string
	// Path is what it was tried on.
	Path string
	// Err is the reason.
	Err error
}

// Error implements error.
func (e *WriteError) Error() string {
	return fmt.Sprintf("saving state: %s %s: %v", e.Op, e.Path, e.Err)
}

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }
