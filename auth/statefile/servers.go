// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// ServersName is the name of the file next to the state file that holds the media
// servers. It may vanish without harm.
const ServersName = "servers.toml"

// serversNote heads the file.
const serversNote = "# made by plexauthd; may be removed\n"

// serversFile is the file with the media servers of the account in use. Its last
// line proves that it is as it was written, and for which token; anything else is
// ignored.
type serversFile struct {
	path    string
	key     Key
	report  func(error) // may be nil
	failing bool        // which has been reported

	// What the file holds, unless somebody else has touched it.
	kept     Servers
	clientID string
	token    secret.String
	as       identity // zero: not known
}

// serversPath is the place of the media servers that belong to the state at path.
func serversPath(path string) string {
	dir, name := filepath.Split(path)
	if name == ServersName {
		return path + ".list"
	}
	return dir + ServersName
}

// ReportServers has report called when the media servers cannot be read or kept,
// which neither Load nor Save fails with. Only the first of several failures in a row
// is reported. Call it before Load.
func (f *File) ReportServers(report func(error)) { f.servers.report = report }

// load returns the servers that the file holds for the account in s, nil if none.
// bare tells that it shows them although there is a key.
func (f *serversFile) load(s State) (list *Servers, bare bool) {
	f.as = identityOf(f.path)
	data, err := readFile(f.path)
	if isMissing(err) {
		return nil, false
	}
	if err == nil {
		list, err = f.parse(string(data), s)
	}
	if err != nil {
		f.tell("reading", err)
		_ = f.remove() // it may hold the tokens of another sign-in
		return nil, false
	}
	f.kept, f.clientID, f.token = *list, s.ClientID, s.Auth.Token
	return list, f.key.aead != nil && !isSealed(string(data))
}

// parse reads what encode has written for the account in s.
func (f *serversFile) parse(text string, s State) (*Servers, error) {
	at := max(strings.LastIndex(text, codeLine), 0)
	if text[at:] != proof(s, text[:at]) {
		return nil, errors.New("it is damaged or belongs to another sign-in")
	}
	values, _, err := decode(text)
	list := new(Servers)
	if err == nil {
		err = f.open(s, values, listKey, &list.List)
	}
	if err == nil {
		err = f.open(s, values, ownTokenKey, &list.OwnToken)
	}
	return list, err
}

func (f *serversFile) open(s State, values map[string]any, key string, into *secret.String) error {
	text, _ := textOf(values[key])
	plain, _, err := f.key.openText(ServersName+key, s.ClientID, text)
	*into = secret.New(plain)
	return err
}

// encode is the text of the file.
func (f *serversFile) encode(s State, list *Servers) (string, error) {
	sealed := map[string]any{}
	sealed[listKey] = f.key.sealText(ServersName+listKey, s.ClientID, list.List.Reveal())
	sealed[ownTokenKey] = f.key.sealText(ServersName+ownTokenKey, s.ClientID, list.OwnToken.Reveal())
	data, err := toml.Marshal(sealed)
	text := serversNote + string(data)
	text += proof(s, text)
	if len(text) > maxSize {
		err = fmt.Errorf("longer than %d bytes", maxSize)
	}
	return text, err
}

// The keys of the file that hold secrets.
const (
	listKey     = "list"
	ownTokenKey = "own_token"
)

// codeLine begins the last line of the file.
const codeLine = "code = "

// proof is the last line of the file, after text. Nobody can make it without the
// token of the account in s, and it does not give the token away.
func proof(s State, text string) string {
	mac := hmac.New(sha256.New, []byte(s.Auth.Token.Reveal()))
	_, _ = io.WriteString(mac, s.ClientID+"\n"+text)
	return codeLine + `"` + hex.EncodeToString(mac.Sum(nil)) + "\"\n"
}

// put makes list what is known of the media servers; nil is nothing.
func (f *serversFile) put(s State, list *Servers) {
	if list == nil {
		if err := f.remove(); err != nil {
			f.tell("removing", err)
		}
		return
	}
	if !f.holds(s, list) {
		f.as = identity{}
		if err := f.write(s, list); err != nil {
			f.tell("keeping", err)
			return
		}
		f.as = identityOf(f.path)
	}
	f.failing = false
	f.kept, f.clientID, f.token = *list, s.ClientID, s.Auth.Token // a shared string makes the next comparison cheap
}

// holds tells whether the file is as it was left and that is what it should be.
func (f *serversFile) holds(s State, list *Servers) bool {
	return f.as != identity{} && f.as == identityOf(f.path) &&
		f.clientID == s.ClientID && equal(f.token, s.Auth.Token) && f.kept.Equal(list)
}

func (f *serversFile) write(s State, list *Servers) error {
	if identityOf(f.path).mode&syscall.S_IFMT == syscall.S_IFDIR {
		return errors.New("it is a directory") // nothing is written in order to find that out
	}
	text, err := f.encode(s, list)
	if err == nil {
		err = replace(f.path, []byte(text))
	}
	if err == nil {
		err = SyncPath(f.path) // see confirm
	}
	if err == nil {
		err = SyncPath(filepath.Dir(f.path))
	}
	return err
}

// Equal reports whether both say the same.
func (s *Servers) Equal(other *Servers) bool {
	return equal(s.List, other.List) && equal(s.OwnToken, other.OwnToken)
}

// equal compares the texts only if they are not the same string.
func equal(a, b secret.String) bool { return a == b || a.Equal(b) }

// remove removes the file. A directory is not ours, and stays.
func (f *serversFile) remove() error {
	f.as, f.kept = identity{}, Servers{}
	err := syscall.Unlink(f.path)
	if err == syscall.EISDIR {
		return nil
	}
	if err != nil && !isMissing(err) {
		return err
	}
	f.failing = false
	return nil
}

// isMissing tells errors that mean that there is no such file.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// tell reports err unless the previous attempt failed too.
func (f *serversFile) tell(did string, err error) {
	if !f.failing && f.report != nil {
		f.report(&fs.PathError{Op: did + " the media servers in", Path: f.path, Err: err})
	}
	f.failing = true
}
