// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"io"
	"net"
	"sync"
)

// way is the network between a box and plex.tv: it carries connections to an
// address, or resets them.
type way struct {
	listener net.Listener
	work     sync.WaitGroup

	mu    sync.Mutex
	to    string // "" is nowhere
	conns map[net.Conn]bool
}

func newWay(to string) (*way, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &way{listener: listener, to: to, conns: make(map[net.Conn]bool)}
	w.work.Go(w.accept)
	return w, nil
}

func (w *way) url() string { return "https://" + w.listener.Addr().String() }

// lead leads elsewhere from now on; what is under way is cut off.
func (w *way) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	for conn := range w.conns {
		_ = conn.Close()
	}
}

func (w *way) close() {
	_ = w.listener.Close()
	w.lead("")
	w.work.Wait()
}

func (w *way) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.work.Go(func() { w.carry(conn.(*net.TCPConn)) })
	}
}

func (w *way) carry(box *net.TCPConn) {
	defer box.Close()
	w.mu.Lock()
	to := w.to
	w.mu.Unlock()
	plex, err := net.Dial("tcp", to)
	if to == "" || err != nil {
		_ = box.SetLinger(0)
		return
	}
	defer plex.Close()
	if !w.hold(to, box, plex) {
		return
	}
	w.work.Go(func() {
		_, _ = io.Copy(plex, box)
		_ = plex.Close()
	})
	_, _ = io.Copy(box, plex)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, box)
	delete(w.conns, plex)
}

// hold notes the connections, unless the way leads elsewhere by now.
func (w *way) hold(to string, conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to != to {
		return false
	}
	for _, conn := range conns {
		w.conns[conn] = true
	}
	return true
}
