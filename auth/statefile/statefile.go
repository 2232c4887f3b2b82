// SPDX-License-Identifier: Apache-2.0

// Package statefile keeps the daemon's state in a TOML file that survives
// crashes, power cuts and full disks, and in which people and other versions
// of the daemon can keep keys and comments of their own.
package statefile

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/jonboulle/clockwork"
)

// Name is the usual name of the state file, and ServicePath where the service has it.
const (
	Name        = "state.toml"
	ServicePath = "/var/lib/plexauthd/" + Name
)

// What is appended to the state file's name for copies in its directory.
const (
	corrupt  = ".corrupt-"
	original = ".orig"
)

// File is the state file. Its methods are safe for concurrent use. No other
// process may write the file at the same time.
type File struct {
	path  string
	clock clockwork.Clock
	key   Key
	ext4  func(dir *os.File) bool // isExt4, but in tests

	mu        sync.Mutex
	servers   serversFile
	spare     spare
	refusal   error    // why Load forbids Save
	signedIn  bool     // the last state loaded or saved holds a token
	saved     document // as Save left it, so that it is not parsed again; without plain
	keptAside string   // see KeptAside
}

// Open returns the state file at path. It does not touch the disk. Links on the
// way to the directory are followed; a link at path itself is refused later.
// The clock stamps the names of corrupt files.
func Open(path string, clock clockwork.Clock) *File {
	return OpenSealed(path, clock, Key{})
}

// OpenSealed is [Open] with a key under which every secret in the file is
// encrypted (AES-256-GCM); the rest stays readable. A sealed secret is bound to
// its place in the file and to the client identifier: in another place or on
// another box it does not open.
//
// A plain file is read, and sealed by Load at once. What the disk keeps in blocks
// that are no longer in use is out of reach: only a new sign-in gets a token that
// was never on the disk in plain text. The way back is to remove the file and
// sign in again without the key.
func OpenSealed(path string, clock clockwork.Clock, key Key) *File {
	return &File{
		path: path, clock: clock, key: key, ext4: isExt4,
		servers: serversFile{path: serversPath(path), key: key},
		spare:   spareOf(path),
	}
}

// Load reads the state. No file is no state and no error. Errors are
// [*CorruptError], after which the daemon continues signed out; [ErrNewer],
// wrapped, and [*SealError], with which the state has the client identifier
// alone; and [*AccessError]. After the last three, and after a corrupt file that could
// not be set aside, Save refuses until a Load succeeds. An [*UnreadError] comes with
// the state without the values that it names.
//
// If all that is wrong with a corrupt file is a device key that is half-written
// or damaged, the state has the account alone, without a client identifier:
// Owner's if there is one, else Auth's, in Auth. Its token is of no use, but it
// is known whose it was. A pairing with such a key is left out
// without an error.
//
// The media servers are those in [ServersName] unless the state file has some, as
// older versions leave it. Where nothing can be made of that file there are none.
//
// Load also removes temporary files that a killed daemon left, and takes
// permissions of group and others from the file as well as it can. With a key
// it seals what the file shows in plain text and removes copies in which nothing
// is sealed, because they may be from a time without the key. If that fails, the
// state comes with a [*WriteError] and can be used.
func (f *File) Load() (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// What cannot be removed is tried again when somebody signs out.
	if stale, err := temporaries(f.path, f.servers.path); err == nil {
		_ = removeAll(stale)
	}
	f.saved = document{} // it is read in plain text
	doc, err := f.read()
	var broken *CorruptError
	if errors.As(err, &broken) {
		f.setAside(broken)
	}
	f.refusal = nil
	if err != nil && (broken == nil || broken.SetAside == "") {
		f.refusal = err
	}
	f.signedIn = doc.plain.Auth != nil
	bareServers := false
	switch {
	case err != nil: // nobody knows whose they are
	case f.signedIn && doc.plain.Servers == nil:
		doc.plain.Servers, bareServers = f.servers.load(doc.plain)
	default:
		_ = f.servers.remove() // as above
	}
	if err == nil && f.key.aead != nil {
		err = f.hide(doc, bareServers)
	}
	if err == nil && len(doc.unread) > 0 {
		err = &UnreadError{Path: f.path, Keys: doc.unread}
	}
	return doc.plain, err
}

// Save writes the state durably: when it returns nil, s survives a power cut.
// Keys that are not ours and comments stay, but for those in tables of what is
// nil in s. Without Auth neither Owner nor Servers is kept, and no copy with
// their tokens is left in the directory. Keys that Load would not accept are
// refused. That Servers cannot be kept is no error, see [File.ReportServers].
// If the file already holds s, nothing is written. A file that became corrupt
// since Load is set aside as there. Every error is a [*WriteError].
func (f *File) Save(s State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keptAside = ""
	if f.refusal != nil {
		return f.failed("save", f.path, f.refusal)
	}
	old, err := f.base(s)
	if err != nil {
		return f.failed("save", f.path, err)
	}
	setAside := f.keptAside
	if err := f.write(old, s); err != nil {
		if setAside != "" {
			// Back, or the next start would find no file and nothing wrong.
			_ = os.Rename(setAside, f.path)
		}
		f.keptAside = ""
		return err
	}
	f.signedIn = s.Auth != nil
	return nil
}

// KeptAside returns where the last Save kept what it could not carry over:
// the old document, when it had to be rewritten without its comments
// ("….orig"), or one that could not be understood any more ("….corrupt-…").
// Empty if the last Save carried over everything, and if the old document shows
// a secret that there is a key for now: that is not kept.
func (f *File) KeptAside() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keptAside
}

func (f *File) failed(op, path string, err error) error {
	return &WriteError{Op: op, Path: path, Err: err}
}

// read returns the document on disk; the zero document if there is no file.
func (f *File) read() (document, error) {
	data, err := readFile(f.path)
	// With a file in place of the directory there is no state to protect either,
	// and once that is repaired Save works.
	if isMissing(err) {
		return document{}, nil
	}
	if err != nil {
		return document{}, &AccessError{Path: f.path, Err: err}
	}
	if len(data) > 0 && string(data) == f.saved.text {
		return f.saved, nil
	}
	doc, err := parse(data)
	if errors.Is(err, ErrNewer) {
		return document{plain: doc.state}, fmt.Errorf("%s: %w", f.path, err)
	}
	if err != nil {
		return document{}, &CorruptError{Path: f.path, Err: err}
	}
	if doc.plain, doc.bare, err = f.key.open(doc.state); err != nil {
		return doc, &SealError{Path: f.path, Err: err}
	}
	if doc.plain, err = doc.plain.usable(); err != nil {
		return document{plain: doc.plain}, &CorruptError{Path: f.path, Err: err}
	}
	return doc, nil
}

// base returns the document that s is to be written into. It is read again
// each time: a person may have edited it.
func (f *File) base(s State) (document, error) {
	doc, err := f.read()
	var broken *CorruptError
	if !errors.As(err, &broken) {
		return doc, err
	}
	if s.Auth == nil && f.signedIn {
		return document{}, nil // signing out: it may hold the token
	}
	f.setAside(broken)
	if broken.SetAside == "" {
		return document{}, broken
	}
	f.keptAside = broken.SetAside
	return document{}, nil
}
