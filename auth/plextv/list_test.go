// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestEntriesOfAList(t *testing.T) {
	long := `"` + strings.Repeat("x", maxEntry-1) + `"`
	for list, want := range map[string]string{
		`[]`: "", " [ \n]\t": "", "null": "", `[1]`: "1", `[ {"a":[1,2]} , [] ,"],\"[" , null ]`: `{"a":[1,2]}|[]|"],\"["|null`,
		`["\\",2]`: `"\\"|2`, `[` + long + `,1]`: "too long|1", `[1,` + long[1:] + `2]`: "broken",
		"": "broken", "{}": "broken", `"x"`: "broken", "nul": "broken", "nullx": "broken", "[": "broken", "[1": "broken", "[1,": "broken",
		"[1,]": "broken", "[,1]": "broken", "[,]": "broken", "[1}": "broken", "[1]x": "broken", "[1][2]": "broken", `["`: "broken", `["\"]`: "broken", "[{]": "broken",
	} {
		var got []string
		err := readEntries(strings.NewReader(list), func(entry []byte) error {
			if entry == nil {
				got = append(got, "too long")
			} else {
				got = append(got, string(entry))
			}
			return nil
		})
		text := strings.Join(got, "|")
		if err != nil {
			text = "broken"
		}
		if text != want {
			t.Errorf("%.40s: %.60s, want %s", list, text, want)
		}
	}
}

// watched measures how much of the heap is in use while it is read.
type watched struct {
	io.Reader
	unread int
	most   uint64
}

func inUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func (w *watched) Read(p []byte) (int, error) {
	if w.unread <= 0 {
		w.unread, w.most = 256<<10, max(w.most, inUse())
	}
	n, err := w.Reader.Read(p)
	w.unread -= n
	return n, err
}

func read(list io.Reader) ([]Resource, error) {
	return readResources(answer{
		body: []byte("["), list: list, odd: func(string) {}, header: http.Header{"Content-Type": {"application/json"}},
	})
}

// Some accounts have gathered thousands of devices; the one that is in use is there.
func TestLongListsTakeLittleMemory(t *testing.T) {
	stale := `{"clientIdentifier":"%d","provides":"server","name":"` + strings.Repeat("old ", 250) + `","accessToken":"t",
		"connections":[{"uri":"https://a.example"},{"uri":"https://b.example","local":true}],"x":"` + strings.Repeat("y", 250) + `"},`
	const own = `{"clientIdentifier":"mine","provides":"server","owned":true}`
	var text strings.Builder
	text.WriteString("[")
	for i := range 5000 {
		_, _ = fmt.Fprintf(&text, stale, i)
	}
	text.WriteString(`{"x":"` + strings.Repeat("z", 800<<10) + `"},` + own + "]")
	if text.Len() < 7<<20 || text.Len() > maxList {
		t.Fatalf("the list has %d bytes", text.Len())
	}
	before := inUse()
	list := &watched{Reader: strings.NewReader(text.String())}
	servers, err := read(list)
	if err != nil || len(servers) < 100 || servers[len(servers)-1].MachineID != "mine" {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	if used := int64(list.most) - int64(before); used > 2<<20 {
		t.Errorf("%d KiB of memory, want at most 2 MiB", used>>10)
	} else {
		t.Logf("%d KiB of memory", used>>10)
	}
	runtime.KeepAlive(text.String())
}

func ids(servers []Resource) (ids []string) {
	for _, s := range servers {
		ids = append(ids, s.MachineID)
	}
	return ids
}

func TestOwnServersAreChosenFirst(t *testing.T) {
	entry := func(kind string, i int, fields string) string {
		return fmt.Sprintf(`{"clientIdentifier":"%s%d","provides":"server"%s}`, kind, i, fields)
	}
	var entries []string
	for i := range 150 {
		entries = append(entries, entry("stale", i, ""), entry("seen", i, `,"presence":true`))
	}
	for i := range 50 {
		entries = append(entries, entry("own", i, `,"owned":true`), entry("both", i, `,"owned":1,"presence":"1"`))
	}
	servers, err := read(strings.NewReader("[" + strings.Join(entries, ",") + "]"))
	if err != nil || len(servers) != maxServers {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	count := map[string]int{}
	for _, s := range servers {
		count[strings.Trim(s.MachineID, "0123456789")]++
	}
	if count["own"] != 50 || count["both"] != 50 || count["seen"] != 100 || count["stale"] != 0 {
		t.Errorf("chosen: %v", count)
	}
	if got := ids(servers)[0]; got != "seen0" {
		t.Errorf("plex.tv's order is lost: %s is first", got)
	}
}

func TestLocalAddressesAndRelaysAreChosenFirst(t *testing.T) {
	var list []string
	for i := range 200 {
		list = append(list, fmt.Sprintf(`{"uri":"https://direct%d"}`, i))
	}
	list = append(list, `{"uri":"https://relay","relay":true}`, `{"uri":"http://local","local":"1"}`)
	servers, err := read(strings.NewReader(`[{"clientIdentifier":"m","provides":"server","connections":[` + strings.Join(list, ",") + `]}]`))
	if err != nil || len(servers) != 1 {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	uris := servers[0].URIs
	if len(uris) != maxConnections || uris[0] != "http://local" || uris[1] != "https://direct0" || uris[49] != "https://relay" {
		t.Errorf("%q", uris)
	}
}

func TestServerListedTwiceIsOne(t *testing.T) {
	const bare = `{"clientIdentifier":"m","provides":"server","accessToken":null,"connections":[{"uri":"http://a","local":1},{"uri":"http://r","relay":1}]}`
	for name, other := range map[string]string{
		"null": `"accessToken":"good"`, "a JWT": `"accessToken":"good","presence":1`, "stale": `"accessToken":"good","owned":true`,
	} {
		first := map[string]string{
			"null": bare, "a JWT": strings.Replace(bare, "null", `"eyJh.b.c"`, 1), "stale": strings.Replace(bare, "null", `"old"`, 1),
		}[name]
		second := `{"clientIdentifier":"m","provides":"server","name":"n","connections":[{"uri":"http://b","local":1},{"uri":"http://a","local":1},{"uri":"http://d"}],` + other + `}`
		for _, list := range []string{first + "," + second, second + "," + first} {
			servers, err := read(strings.NewReader("[" + list + "]"))
			if err != nil || len(servers) != 1 || servers[0].AccessToken.Reveal() != "good" || servers[0].Name != "n" || servers[0].TokenUnread {
				t.Fatalf("%s: %+v, %v", name, servers, err)
			}
			uris := servers[0].URIs
			if len(uris) != 4 || uris[2] != "http://d" || uris[3] != "http://r" || !slices.Contains(uris, "http://a") || !slices.Contains(uris, "http://b") {
				t.Errorf("%s: %q", name, uris)
			}
		}
	}
}

// What is needed least is left out until the rest fits in a file, however it is written.
func TestServersWithLongNamesAreLeftOut(t *testing.T) {
	for _, of := range []string{"x", "<", `\"`, `\\`, "é"} {
		var entries []string
		for i := range 50 {
			entries = append(entries, fmt.Sprintf(`{"clientIdentifier":"m%d","provides":"server","owned":%t,"name":"%s"}`, i, i%10 == 0, strings.Repeat(of, 4000)))
		}
		servers, err := read(strings.NewReader("[" + strings.Join(entries, ",") + "]"))
		if err != nil || len(servers) < 5 {
			t.Fatalf("%s: %d servers, %v", of, len(servers), err)
		}
		for i := range 5 {
			if id := fmt.Sprint("m", 10*i); !slices.Contains(ids(servers), id) {
				t.Errorf("%s: %s is left out, which is the account's own", of, id)
			}
		}
		text, err := json.Marshal(servers)
		if err == nil {
			text, err = toml.Marshal(map[string]string{"k": string(text)})
		}
		if err != nil || len(text) > maxServersSize+300*len(servers) {
			t.Errorf("%s: %d servers take %d bytes, %v", of, len(servers), len(text), err)
		}
	}
}
