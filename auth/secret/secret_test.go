// SPDX-License-Identifier: Apache-2.0

package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/secret"
)

const text = "tok-Zx81aQ"

// carrier has the secret where fmt cannot call its methods.
type carrier struct {
	Open   secret.String
	hidden secret.String
}

func TestNoPrinterShowsTheText(t *testing.T) {
	s := secret.New(text)
	c := carrier{Open: s, hidden: s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%10.3s"} {
		for _, value := range []any{s, &s, c, &c, []secret.String{s}, map[string]secret.String{"k": s}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	fmt.Fprintln(&out, s, c, fmt.Errorf("wrapped: %w", errors.New(s.String())))
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "s", s, "c", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "s", s, "c", c)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if err := toml.NewEncoder(&out).Encode(map[string]any{"s": s}); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), text[:3]} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q was printed:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing said [redacted]")
	}
}

func TestRevealEqualIsZero(t *testing.T) {
	s := secret.New(text)
	if s.Reveal() != text || s.IsZero() {
		t.Errorf("Reveal() = %q, IsZero() = %v", s.Reveal(), s.IsZero())
	}
	if !s.Equal(secret.New(text)) || s.Equal(secret.New(text+"x")) || s.Equal(secret.String{}) {
		t.Error("Equal does not compare the texts")
	}
	if zero := secret.New(""); !zero.IsZero() || zero.Reveal() != "" {
		t.Error("the empty secret is not zero")
	}
}
