// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// ServersName is the name of the file next to the state file that holds the media
// servers. It may vanish without harm.
const ServersName = "servers.toml"

// serversNote heads the file.
const serversNote = "# Media servers of the account in state.toml. Made by plexauthd, which replaces it as a whole.\n"

// serversFile is the file with the media servers of the account in use. A code
// proves that it is as it was written, and for which token: whatever else lies
// there is no list. It is written whole, after the state that it belongs to.
type serversFile struct {
	path    string
	key     Key
	report  func(error) // may be nil
	failing bool        // which has been reported
	kept    *keptServers
}

// keptServers is what the file holds, and for whom.
type keptServers struct {
	Servers
	clientID string
	token    secret.String
	file     fs.FileInfo // to see that nobody else has touched it
}

// serversPath is the place of the media servers that belong to the state at path.
func serversPath(path string) string {
	dir, name := filepath.Split(path)
	if name == ServersName {
		return path + ".list"
	}
	return filepath.Join(dir, ServersName)
}

// ReportServers has report called when the media servers cannot be read or kept,
// which neither Load nor Save fails with: of failures in a row, with the first.
// Call it before Load.
func (f *File) ReportServers(report func(error)) { f.servers.report = report }

// putServers makes list what is known of the media servers; nil is nothing.
func (f *File) putServers(s State, list *Servers) {
	err := f.servers.remove
	if list != nil {
		err = func() error { return f.servers.save(s, list) }
	}
	if err := err(); err != nil {
		f.servers.tell(err)
	}
}

// load returns the servers that the file holds for the account in s, nil if none.
// bare tells that it shows them although there is a key.
func (f *serversFile) load(s State) (list *Servers, bare bool) {
	f.kept = nil
	data, err := readFile(f.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, false
	}
	if err == nil {
		list, bare, err = f.parse(data, s)
	}
	if err != nil {
		f.tell(fmt.Errorf("reading the media servers in %s: %w", f.path, err))
		return nil, false
	}
	if !bare {
		f.note(s, list)
	}
	return list, bare
}

// parse reads what encode has written for the account in s.
func (f *serversFile) parse(data []byte, s State) (list *Servers, bare bool, err error) {
	if err := checkBytes(data); err != nil {
		return nil, false, err
	}
	values, _, err := decode(string(data))
	if err != nil {
		return nil, false, err
	}
	list = new(Servers)
	var code string
	sec := serversSection(list)
	sec.fields = append(sec.fields, field{key: codeKey, at: &code})
	table, _ := lookUp(values, sec.table)
	sec.read(table)
	for _, fl := range sec.fields {
		if at, ok := fl.at.(*secret.String); ok {
			text, sealed, err := f.key.openText(sec.path(fl).String(), s.ClientID, at.Reveal())
			if err != nil {
				return nil, false, fmt.Errorf("%s: %w", sec.path(fl), err)
			}
			bare = bare || f.key.aead != nil && !sealed && text != ""
			*at = secret.New(text)
		}
	}
	if !hmac.Equal([]byte(code), []byte(codeOf(s, list))) {
		return nil, false, errors.New("it is damaged or belongs to another sign-in")
	}
	return list, bare, nil
}

// codeKey is the key that codeOf is kept under.
const codeKey = "code"

// codeOf proves what list holds and whose it is. Without the token nobody can make
// it, and it does not give the token away.
func codeOf(s State, list *Servers) string {
	mac := hmac.New(sha256.New, []byte(s.Auth.Token.Reveal()))
	for _, part := range []string{s.ClientID, list.List.Reveal(), list.OwnToken.Reveal()} {
		fmt.Fprintf(mac, "%d:", len(part))
		_, _ = io.WriteString(mac, part)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// encode is the text of the file.
func (f *serversFile) encode(s State, list *Servers) (string, error) {
	sealed, code := *list, codeOf(s, list)
	sec := serversSection(&sealed)
	for _, fl := range sec.fields {
		if at, ok := fl.at.(*secret.String); ok {
			*at = secret.New(f.key.sealText(sec.path(fl).String(), s.ClientID, at.Reveal()))
		}
	}
	sec.fields = append(sec.fields, field{key: codeKey, at: &code})
	values := map[string]any{}
	sec.write(values)
	text := bytes.NewBufferString(serversNote)
	err := toml.NewEncoder(text).Encode(values)
	if err == nil && text.Len() > maxSize {
		err = fmt.Errorf("longer than %d bytes", maxSize)
	}
	return text.String(), err
}

// save writes list for the account in s, unless the file holds just that.
func (f *serversFile) save(s State, list *Servers) error {
	if f.holds(s, list) {
		f.kept.Servers = *list // the very same text is found equal sooner
		return nil
	}
	f.kept = nil
	if err := f.write(s, list); err != nil {
		return fmt.Errorf("keeping the media servers in %s: %w", f.path, err)
	}
	f.note(s, list)
	return nil
}

func (f *serversFile) write(s State, list *Servers) error {
	if info, err := os.Lstat(f.path); err == nil && info.IsDir() {
		return errors.New("it is a directory") // nothing is written in order to find that out
	}
	text, err := f.encode(s, list)
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := replace(f.path, []byte(text)); err != nil {
		return err
	}
	return confirm(f.path, dir)
}

// note remembers what the file holds.
func (f *serversFile) note(s State, list *Servers) {
	f.failing = false
	if info, err := os.Lstat(f.path); err == nil {
		f.kept = &keptServers{*list, s.ClientID, s.Auth.Token, info}
	}
}

// holds tells whether the file is as it was left and that is what it should be.
func (f *serversFile) holds(s State, list *Servers) bool {
	k := f.kept
	if k == nil || k.clientID != s.ClientID || !equal(k.token, s.Auth.Token) || !k.Equal(*list) {
		return false
	}
	info, err := os.Lstat(f.path)
	return err == nil && os.SameFile(info, k.file) && info.Mode() == k.file.Mode() &&
		info.Size() == k.file.Size() && info.ModTime().Equal(k.file.ModTime())
}

// Equal reports whether both say the same.
func (s Servers) Equal(other Servers) bool {
	return equal(s.List, other.List) && equal(s.OwnToken, other.OwnToken)
}

// equal looks at long texts only if they are not the very same.
func equal(a, b secret.String) bool { return a == b || a.Equal(b) }

// remove removes the file. What is no file, and so not ours, stays.
func (f *serversFile) remove() error {
	f.kept = nil
	info, err := os.Lstat(f.path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = os.Remove(f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("removing the media servers in %s: %w", f.path, err)
	}
	f.failing = false
	return nil
}

// tell reports err unless that of the time before has been.
func (f *serversFile) tell(err error) {
	if !f.failing && f.report != nil {
		f.report(err)
	}
	f.failing = true
}
