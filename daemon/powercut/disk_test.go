// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"os"
	"sync"
)

// pageSize is the unit in which images share memory. It is a multiple of sector.
const pageSize = 4096

type page [pageSize]byte

// image is what a disk holds. A page is never changed once it is in an image,
// so that a clone costs a map of pointers.
type image struct {
	size  int64
	pages map[int64]*page // by number; zeroes where there is none
}

func newImage(size int64) image { return image{size, make(map[int64]*page)} }

func (m image) clone() image {
	pages := make(map[int64]*page, len(m.pages))
	for number, p := range m.pages {
		pages[number] = p
	}
	return image{m.size, pages}
}

// inPages calls do for each page that the n bytes at offset touch, with the
// page's number, the place in it, and the place in the bytes.
func inPages(n int, offset int64, do func(number int64, from, at, count int)) {
	for at := 0; at < n; {
		number, from := (offset+int64(at))/pageSize, int((offset+int64(at))%pageSize)
		count := min(n-at, pageSize-from)
		do(number, from, at, count)
		at += count
	}
}

func (m image) read(data []byte, offset int64) {
	inPages(len(data), offset, func(number int64, from, at, count int) {
		if p := m.pages[number]; p != nil {
			copy(data[at:at+count], p[from:])
		} else {
			clear(data[at : at+count])
		}
	})
}

func (m image) write(data []byte, offset int64) {
	inPages(len(data), offset, func(number int64, from, at, count int) {
		changed := new(page)
		if p := m.pages[number]; p != nil {
			*changed = *p
		}
		copy(changed[from:], data[at:at+count])
		m.pages[number] = changed
	})
}

// writeTo makes file what the image holds, with holes.
func (m image) writeTo(file *os.File) error {
	defer file.Close()
	for number, p := range m.pages {
		if _, err := file.WriteAt(p[:], number*pageSize); err != nil {
			return err
		}
	}
	return file.Truncate(m.size)
}

// event is something that a disk has seen: a write, a flush, or that the writer
// has been told that a state is saved.
type event struct {
	kind   kind
	offset int64  // of a write
	data   []byte // of a write
	state  int    // the number of a saved state
}

type kind int

const (
	write kind = iota
	flush
	saved
)

// disk is an image in use and all that has happened to it since.
type disk struct {
	name string

	mu     sync.Mutex
	now    image
	events []event
}

func newDisk(name string, content image) *disk { return &disk{name: name, now: content.clone()} }

func (d *disk) read(data []byte, offset int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now.read(data, offset)
}

func (d *disk) write(data []byte, offset int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := append([]byte(nil), data...)
	d.now.write(kept, offset)
	d.events = append(d.events, event{kind: write, offset: offset, data: kept})
}

func (d *disk) note(e event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

// restart forgets what has happened so far.
func (d *disk) restart() image {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = nil
	return d.now.clone()
}

// seen returns what has happened so far.
func (d *disk) seen() []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[:len(d.events):len(d.events)]
}
