//go:build kodi

// Package kodi drives a real Kodi on a screen of its own, with the add-on of
// this directory in it.
package kodi

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// patience bounds every wait for Kodi; nothing is measured against it.
	patience = 30 * time.Second
	// glance is how long to wait before Kodi is asked again.
	glance = 20 * time.Millisecond

	addonID = "script.plexauthd"
	window  = "Window.IsVisible(script-plexauthd.xml)"
)

// Kodi is a running Kodi.
type Kodi struct {
	t       *testing.T
	home    string
	display string
	process *os.Process
	ended   chan struct{}
	conn    net.Conn
	answers *json.Decoder
	calls   int64
}

// Options say on what screen Kodi runs, and with what.
type Options struct {
	Width, Height int
	Language      string            // a language add-on, such as resource.language.de_de
	Bus           string            // address of what Kodi takes for the system bus
	Zip           string            // the add-on
	Others        map[string]string // more add-ons: files by path below addons/
}

// Start starts Kodi with the add-on enabled. It ends with the test.
func Start(t *testing.T, o Options) *Kodi {
	t.Helper()
	home, err := os.MkdirTemp("", "kodi") // short: sockets lie in it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	k := &Kodi{t: t, home: home}
	k.display = startScreen(t, o.Width, o.Height)
	port := freePort(t)
	k.settle(o, port)
	k.launch(o.Bus)
	k.connect(port)
	k.enableAddons(o)
	return k
}

// startScreen starts an X server without hardware and gives its name.
func startScreen(t *testing.T, width, height int) string {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-noreset",
		"-screen", "0", fmt.Sprintf("%dx%dx24", width, height))
	x.ExtraFiles = []*os.File{write}
	must(t, x.Start())
	t.Cleanup(func() { _ = x.Process.Kill(); _ = x.Wait() })
	must(t, write.Close())
	var number int
	_, err = fmt.Fscan(read, &number)
	must(t, err)
	return fmt.Sprintf(":%d", number)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// settle writes what a person would have set: sound off, JSON-RPC on, no questions.
func (k *Kodi) settle(o Options, port int) {
	k.t.Helper()
	language := o.Language
	if language == "" {
		language = "resource.language.en_gb"
	}
	// Without a sound card Kodi's start stalls.
	k.write(".asoundrc", "pcm.!default { type null }\nctl.!default { type null }\n")
	k.write(".kodi/userdata/advancedsettings.xml",
		fmt.Sprintf("<advancedsettings version=\"1.0\"><jsonrpc><tcpport>%d</tcpport></jsonrpc></advancedsettings>\n", port))
	// Kodi throws a file without the three empty elements away.
	k.write(".kodi/userdata/guisettings.xml", `<settings version="2">
  <setting id="services.esenabled">true</setting>
  <setting id="services.zeroconf">false</setting>
  <setting id="general.addonupdates">2</setting>
  <setting id="locale.language">`+language+`</setting>
  <viewstates/><resolutions/><skinsettings/>
</settings>
`)
	k.unpack(o.Zip)
	for path, content := range o.Others {
		k.write(".kodi/addons/"+path, content)
	}
	must(k.t, os.Mkdir(filepath.Join(k.home, "run"), 0o700))
}

func (k *Kodi) write(path, content string) {
	k.t.Helper()
	path = filepath.Join(k.home, path)
	must(k.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(k.t, os.WriteFile(path, []byte(content), 0o644))
}

func (k *Kodi) unpack(file string) {
	k.t.Helper()
	archive, err := zip.OpenReader(file)
	must(k.t, err)
	defer archive.Close()
	for _, entry := range archive.File {
		content, err := entry.Open()
		must(k.t, err)
		data, err := io.ReadAll(content)
		must(k.t, err)
		k.write(".kodi/addons/"+entry.Name, string(data))
	}
}

func (k *Kodi) launch(bus string) {
	k.t.Helper()
	// Not the script /usr/bin/kodi, which would leave a child behind.
	programs, err := filepath.Glob("/usr/lib/*/kodi/kodi.bin")
	if err != nil || len(programs) != 1 {
		k.t.Fatalf("no Kodi, Debian's package kodi: %v, %v", programs, err)
	}
	kodi := exec.Command(programs[0], "--windowing=x11", "--standalone", "-fs")
	kodi.Dir = k.home
	kodi.Env = []string{
		"HOME=" + k.home, "XDG_RUNTIME_DIR=" + k.home + "/run", "DISPLAY=" + k.display,
		"LIBGL_ALWAYS_SOFTWARE=1", "KODI_AE_SINK=ALSA", "LC_ALL=C.UTF-8", "TZ=UTC",
		"DBUS_SYSTEM_BUS_ADDRESS=" + bus,
		"PATH=/usr/bin:/bin", // another Python there would take the place of Kodi's
	}
	must(k.t, kodi.Start())
	k.process, k.ended = kodi.Process, make(chan struct{})
	go func() { _ = kodi.Wait(); close(k.ended) }()
	k.t.Cleanup(func() {
		if k.t.Failed() {
			k.t.Logf("Kodi's log:\n%s", k.Log())
		}
		_ = kodi.Process.Kill()
		<-k.ended
	})
}

// Log is what Kodi has written of this add-on, and every error.
func (k *Kodi) Log() string {
	text, _ := os.ReadFile(filepath.Join(k.home, ".kodi/temp/kodi.log"))
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, addonID) || strings.Contains(line, "EXCEPTION") || strings.HasPrefix(line, " ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (k *Kodi) connect(port int) {
	k.t.Helper()
	k.await("Kodi listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			k.conn, k.answers = conn, json.NewDecoder(conn)
		}
		return err == nil
	})
	k.t.Cleanup(func() { _ = k.conn.Close() })
}

// enableAddons answers Kodi's question about add-ons that it did not install
// itself, as a person would.
func (k *Kodi) enableAddons(o Options) {
	k.t.Helper()
	ids := []string{addonID}
	for path := range o.Others {
		if id, file, _ := strings.Cut(path, "/"); file == "addon.xml" {
			ids = append(ids, id)
		}
	}
	k.await("the home screen", func() bool { return k.Is("Window.IsVisible(home)") })
	for answered := range ids {
		k.await("Yes is in focus", func() bool {
			k.Input("Left") // Kodi loses keys while it starts
			return k.Is("Window.IsActive(yesnodialog)") && k.Is("Control.HasFocus(11)")
		})
		k.Input("Select")
		// The next question can be there at once.
		k.await("one more add-on is enabled", func() bool { return k.enabled(ids) == answered+1 })
	}
}

// enabled counts those of the add-ons that are.
func (k *Kodi) enabled(ids []string) (count int) {
	k.t.Helper()
	for _, id := range ids {
		var answer struct{ Addon struct{ Enabled bool } }
		k.Call("Addons.GetAddonDetails", map[string]any{"addonid": id, "properties": []string{"enabled"}}, &answer)
		if answer.Addon.Enabled {
			count++
		}
	}
	return count
}

// Call calls a JSON-RPC method of Kodi's.
func (k *Kodi) Call(method string, params, result any) {
	k.t.Helper()
	k.calls++
	id := k.calls
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	must(k.t, err)
	must(k.t, k.conn.SetDeadline(time.Now().Add(patience)))
	_, err = k.conn.Write(request)
	must(k.t, err)
	for {
		var answer struct {
			ID     int64
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := k.answers.Decode(&answer); err != nil {
			k.t.Fatalf("%s: %v", method, err)
		}
		if answer.ID != id {
			continue // a notification
		}
		if answer.Error != nil {
			k.t.Fatalf("%s: %s", method, answer.Error)
		}
		if result != nil {
			must(k.t, json.Unmarshal(answer.Result, result))
		}
		return
	}
}

// Input presses a key of the remote: Select, Back, Left...
func (k *Kodi) Input(key string) {
	k.t.Helper()
	k.Call("Input."+key, map[string]any{}, nil)
}

// Is asks for one of Kodi's conditions.
func (k *Kodi) Is(condition string) bool {
	k.t.Helper()
	var values map[string]bool
	k.Call("XBMC.GetInfoBooleans", map[string]any{"booleans": []string{condition}}, &values)
	return values[condition]
}

// Label asks for one of Kodi's texts.
func (k *Kodi) Label(name string) string {
	k.t.Helper()
	var values map[string]string
	k.Call("XBMC.GetInfoLabels", map[string]any{"labels": []string{name}}, &values)
	return values[name]
}

// Run starts an add-on's script.
func (k *Kodi) Run(id string) {
	k.t.Helper()
	k.Call("Addons.ExecuteAddon", map[string]any{"addonid": id}, nil)
}

// Shows is a text of the sign-in screen, while it is there: the first window that
// a script has opened is 13000.
func (k *Kodi) Shows(property string) string {
	k.t.Helper()
	return k.Label("Window(13000).Property(" + property + ")")
}

// AwaitShown waits until a text of the sign-in screen is that.
func (k *Kodi) AwaitShown(property, want string) {
	k.t.Helper()
	k.await(fmt.Sprintf("%s is %q", property, want), func() bool { return k.Shows(property) == want })
}

// AwaitClosed waits until the sign-in screen has gone, and returns how long that took.
func (k *Kodi) AwaitClosed() time.Duration {
	k.t.Helper()
	began := time.Now()
	k.await("the screen is closed", func() bool { return !k.Is(window) })
	return time.Since(began)
}

// AwaitEnd waits until Kodi has ended, and returns how long that took.
func (k *Kodi) AwaitEnd() time.Duration {
	k.t.Helper()
	began := time.Now()
	select {
	case <-k.ended:
	case <-time.After(patience):
		k.t.Fatal("Kodi does not end")
	}
	return time.Since(began)
}

func (k *Kodi) await(what string, done func() bool) {
	k.t.Helper()
	await(k.t, what, done)
}

// Home is a property that the add-on's service, or a script, has set for skins.
func (k *Kodi) Home(property string) string {
	k.t.Helper()
	return k.Label("Window(10000).Property(" + property + ")")
}

// AwaitHome waits until a property for skins is that.
func (k *Kodi) AwaitHome(property, want string) {
	k.t.Helper()
	k.await(fmt.Sprintf("%s is %q", property, want), func() bool { return k.Home(property) == want })
}

// Choose presses Select when the button of the sign-in screen that says so is in focus.
func (k *Kodi) Choose(button string) {
	k.t.Helper()
	k.await(button+" is in focus", func() bool { return k.Label("System.CurrentControl") == button })
	k.Input("Select")
}

// Picture takes a picture of the screen.
func (k *Kodi) Picture(name string) string {
	k.t.Helper()
	dir := os.Getenv("KODI_PICTURES")
	if dir == "" {
		dir = k.home
	}
	file := filepath.Join(dir, name+".png")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "import", "-display", k.display, "-window", "root", file).CombinedOutput()
	if err != nil {
		k.t.Fatalf("a picture of the screen: %v\n%s", err, out)
	}
	return file
}

// Look takes a picture for people's eyes, once the screen has come to rest, if
// KODI_PICTURES names a directory for it.
func (k *Kodi) Look(name string) {
	k.t.Helper()
	if os.Getenv("KODI_PICTURES") == "" {
		return
	}
	var before []byte
	k.await("the screen is at rest", func() bool {
		now, err := os.ReadFile(k.Picture(name))
		must(k.t, err)
		rests := bytes.Equal(before, now)
		before = now
		return rests
	})
}

// Memory is how much of the machine's memory Kodi takes, in bytes.
func (k *Kodi) Memory() int64 {
	k.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", k.process.Pid))
	must(k.t, err)
	_, rest, _ := strings.Cut(string(text), "\nPss_Anon:")
	var kilobytes int64
	_, err = fmt.Sscan(rest, &kilobytes)
	must(k.t, err)
	return kilobytes << 10
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(glance) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
