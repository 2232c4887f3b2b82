// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

const (
	maxBody = 1 << 20
	maxList = 8 << 20 // read as a stream
)

// content is the body of an answer, bounded. It remembers why it ended.
type content struct {
	from  io.Reader
	limit int64
	left  int64
	err   error // nil and io.EOF for a body that is whole
}

var errTooLarge = errors.New("too large")

// newContent reads body, which is unpacked if it is compressed with gzip, whatever
// its headers say: the daemon asks for neither, and some proxies do it anyway.
func newContent(body io.Reader, limit int64) *content {
	c := &content{limit: limit, left: limit}
	packed := bufio.NewReader(body)
	c.from = packed
	if start, _ := packed.Peek(2); string(start) == "\x1f\x8b" {
		if c.from, c.err = gzip.NewReader(packed); c.err != nil {
			c.from = packed
		}
	}
	return c
}

// Read implements [io.Reader].
func (c *content) Read(p []byte) (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.left == 0 { // one byte more tells whether that is all
		if _, c.err = io.ReadFull(c.from, make([]byte, 1)); c.err == nil {
			c.err = errTooLarge
		}
		return 0, c.err
	}
	n, c.err = c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, c.err
}

// problem is why the body could not be read, nil if it could.
func (c *content) problem() error {
	switch c.err {
	case nil, io.EOF:
		return nil
	case errTooLarge:
		return fmt.Errorf("the answer is larger than %d MiB", c.limit>>20)
	}
	return c.err
}
