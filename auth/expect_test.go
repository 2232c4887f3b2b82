// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
)

func receive[T any](t testing.TB, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	return value
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func wantCode(t testing.TB, what string, err error, code auth.Code) {
	t.Helper()
	if err == nil || auth.CodeOf(err) != code {
		t.Errorf("%s: got %q (%v), want %q", what, auth.CodeOf(err), err, code)
	}
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
