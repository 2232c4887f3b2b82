// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// The longest that the D-Bus specification allows.
const (
	longestArray   = 64 << 20
	longestMessage = 128 << 20
)

// text is a string as it travels.
func text(length int) []byte {
	body := binary.LittleEndian.AppendUint32(nil, uint32(length))
	return append(append(body, bytes.Repeat([]byte("x"), length)...), 0)
}

// array is an array of bytes as it travels.
func array(length int) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(length)), make([]byte, length)...)
}

// variants is a dictionary as it travels, {"x": <uint32 7>} again and again.
func variants(length int) []byte {
	entry := []byte("\x01\x00\x00\x00x\x00\x01u\x00\x00\x00\x00\x07\x00\x00\x00") // 16 bytes
	entries := bytes.Repeat(entry, length/len(entry))
	return append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(entries))), 0, 0, 0, 0), entries...)
}

// TestTheLongestMessages sends what nearly no bus lets through: each is answered
// as wrong, by a daemon that has not taken it in.
func TestTheLongestMessages(t *testing.T) {
	b, p, f := floodBox(t, bustest.Roomy(t))
	token, before := f.Token(), p.Memory("Rss:")
	const head = 256 // more than the header of a call
	for name, call := range map[string][]byte{
		"a text of 128 MiB":        bustest.CallWith(names.Bus, names.Credentials+".ValidateToken", "s", text(longestMessage-head)),
		"two arrays of 64 MiB":     bustest.CallWith(names.Bus, names.Main+".RequestPin", "ayay", append(array(longestArray), array(longestArray-head)...)),
		"a dictionary of 64 MiB":   bustest.CallWith(names.Bus, names.Main+".RequestPinWithOptions", "a{sv}", variants(longestArray)),
		"128 MiB for the property": bustest.CallWith(names.Bus, propertiesInterface+".Get", "ss", append(text(3), text(longestMessage-head)...)),
	} {
		flooder, bystander := b.flooder(), b.bystander()
		flooder.flood(call, 1)
		if answer := flooder.answer(); answer != names.ErrInvalidArgs {
			t.Errorf("%s was answered with %q", name, answer)
		}
		flooder.flood(b.request(names.Bus, names.Credentials+".GetToken", 0), 1)
		if answer := flooder.answer(); answer != "" {
			t.Errorf("after %s a call was answered with %q", name, answer)
		}
		checkMemory(p, fmt.Sprintf("%s, a bystander waits %v", name, bystander.wait()))
		_ = flooder.socket.Close()
	}
	f.MustHold(token)
	b.checkDrained(p, before)
}
