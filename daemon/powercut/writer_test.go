// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// writerPath is the setting of a writer: where it is to save.
const writerPath = "POWERCUT_PATH"

// deviceKey is the example of RFC 8037, whose parts fit together. A box with half
// a key cannot sign in any more.
var deviceKey = statefile.DeviceKey{
	Kid:        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
	PrivateKey: secret.New("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
}

// chapter is how many states there are from one sign-in to the next.
const chapter = 9

// story is the state number n: somebody pairs, signs in, the account gets another name,
// another user of the home takes over, signs out. The states differ in size, from
// less than a sector to several blocks, and only some in what is secret.
func story(n int) statefile.State {
	if n == 0 {
		return statefile.State{}
	}
	s := statefile.State{ClientID: strconv.Itoa(n)}
	if n%7 > 2 {
		s.DeviceKey = &deviceKey
	}
	issued := time.Unix(1768478400+int64(n), 0).UTC()
	page := n % chapter
	if page == 1 {
		s.Pairing = &statefile.Pairing{ID: uint64(n), PlexID: secret.New("1234567"), Code: "AB12", ExpiresAt: issued.Add(time.Hour)}
	}
	if page > 1 {
		s.Auth = &statefile.Auth{
			Token: secret.New(fmt.Sprintf("token-%d", n-page)), UserID: strconv.Itoa(n - page),
			Username: strings.Repeat("ann", n*37%1000), IssuedAt: issued,
		}
	}
	if page > 4 {
		s.Servers = &statefile.Servers{List: secret.New(strings.Repeat("[]", n*53%3000)), OwnToken: secret.New(strconv.Itoa(n))}
	}
	if page == chapter-1 {
		admin := *story(n - 1).Auth
		s.Owner, s.Auth.UserID = &admin, "guest"
	}
	return s
}

func number(s statefile.State) int {
	n, _ := strconv.Atoi(s.ClientID)
	return n
}

// writers are ways to put the text of a state at path. "statefile" is the real
// one; the others are careless, and the check must see that.
var writers = map[string]func(path string, text []byte) error{
	"statefile": nil,
	"no fsync": func(path string, text []byte) error {
		return errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path))
	},
	"no fsync of the directory": func(path string, text []byte) error {
		return errors.Join(writeAndSync(path+".new", text), os.Rename(path+".new", path))
	},
	"in place": writeOver,
	"over the last file, no fsync of the directory": func(path string, text []byte) error {
		if err := writeOver(path+".new", text); err != nil {
			return err
		}
		err := unix.Renameat2(unix.AT_FDCWD, path+".new", unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
		if errors.Is(err, unix.ENOENT) { // the first
			return os.Rename(path+".new", path)
		}
		return err
	},
}

func writeOver(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Truncate(int64(len(text))), file.Sync(), file.Close())
}

func writeAndSync(path string, text []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// runWriter saves one state after the other. It tells the number of each when
// it is saved, and goes on when it has an answer. Meanwhile a neighbour uses
// the same file system, so that writes are always under way.
func runWriter(task string) error {
	path := os.Getenv(writerPath)
	go neighbour(filepath.Join(filepath.Dir(filepath.Dir(path)), "neighbour"))
	save, err := saver(path, writers[task])
	answers := bufio.NewScanner(os.Stdin)
	for n := 1; err == nil; n++ {
		if err = save(story(n)); err == nil {
			fmt.Println(n)
			if !answers.Scan() {
				return nil
			}
		}
	}
	return err
}

// saver has the real writer put the state elsewhere first if a careless one is
// to put its text at path.
func saver(path string, careless func(path string, text []byte) error) (func(statefile.State) error, error) {
	if careless == nil {
		file := statefile.Open(path, clockwork.NewRealClock())
		var lost error
		file.ReportServers(func(err error) { lost = err })
		return func(s statefile.State) error { return errors.Join(file.Save(s), lost) }, nil
	}
	scratch, err := os.MkdirTemp("", "powercut")
	if err != nil {
		return nil, err
	}
	draft := filepath.Join(scratch, "state.toml")
	file := statefile.Open(draft, clockwork.NewRealClock())
	return func(s statefile.State) error {
		if err := file.Save(s); err != nil {
			return err
		}
		text, err := os.ReadFile(draft)
		return errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), careless(path, text))
	}, nil
}

// neighbour is another service that writes, and syncs now and then.
func neighbour(path string) {
	for n := range time.Tick(2 * time.Millisecond) {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return
		}
		_, _ = file.Write(make([]byte, 3000))
		switch n.UnixMilli() % 32 {
		case 0:
			_ = os.Remove(path)
		case 1, 2, 3, 4:
			_ = file.Sync()
		}
		_ = file.Close()
	}
}
