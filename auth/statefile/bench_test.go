package statefile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// BenchmarkSave measures a Save, and what of it the disk takes, beside the
// barest durable replacement of a file (write, fsync, rename, fsync of the
// directory) and the two fsyncs in that alone. In turns, in a directory each,
// medians. The aim is that the disk's part takes at most 1.5 times the two
// fsyncs; where fsync is quick, on a virtual disk, the rename alone is a third of
// them. The directories are TMPDIR's: in memory fsync costs nothing.
func BenchmarkSave(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.toml")
	file := Open(path, clockwork.NewRealClock())
	state := State{ClientID: "3f0c", Auth: &Auth{Token: secret.New("token"), UserID: "42", Username: "ann"}}
	text := []byte(strings.Repeat("x", 600))
	written, bare := filepath.Join(b.TempDir(), "state.toml"), b.TempDir()
	times := map[string][]time.Duration{}
	measure := func(name string, run func() error) {
		began := time.Now()
		if err := run(); err != nil {
			b.Fatal(err)
		}
		times[name] = append(times[name], time.Since(began))
	}
	for n := 0; b.Loop(); n++ {
		state.Auth.Title = strconv.Itoa(n)
		measure("save", func() error { return file.Save(state) })
		measure("disk", func() error { return durably(written, text) })
		measure("bare", func() error {
			spent, err := barely(bare, text)
			times["fsyncs"] = append(times["fsyncs"], spent)
			return err
		})
	}
	b.ReportMetric(0, "ns/op")
	for name, each := range times {
		slices.Sort(each)
		b.ReportMetric(median(each), name+"-µs")
	}
	b.ReportMetric(median(times["disk"])/median(times["fsyncs"]), "disk/fsyncs")
	b.ReportMetric(median(times["disk"])/median(times["bare"]), "disk/bare")
}

// median is of sorted times, in microseconds.
func median(times []time.Duration) float64 {
	return float64(times[len(times)/2]) / float64(time.Microsecond)
}

// durably is what put does once the text is known.
func durably(path string, text []byte) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := replace(path, text); err != nil {
		return err
	}
	return confirm(path, dir)
}

// barely replaces a file with as little as is durable on ext4, and returns what
// the fsyncs of that took.
func barely(dir string, text []byte) (spent time.Duration, err error) {
	path := filepath.Join(dir, "bare")
	file, err := os.Create(path + ".new")
	if err != nil {
		return 0, err
	}
	parent, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	_, err = file.Write(text)
	began := time.Now()
	err = errors.Join(err, file.Sync())
	spent = time.Since(began)
	err = errors.Join(err, file.Close(), os.Rename(path+".new", path))
	began = time.Now()
	err = errors.Join(err, parent.Sync())
	spent += time.Since(began)
	return spent, errors.Join(err, parent.Close())
}
