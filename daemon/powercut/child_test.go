// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// childTask is set in the environment of this program when it is a child of its
// own: "box", or the name of a writer.
const childTask = "POWERCUT_TASK"

// child is this program with a task. It says lines and is answered in lines.
//
// The process that serves FUSE must not use what lies above it: when it is killed,
// it would wait for its own answers to close its files, forever. So a child does.
type child struct {
	cmd    *exec.Cmd
	told   *bufio.Scanner
	answer io.WriteCloser
	errors bytes.Buffer
}

// startChild starts this program with a task and settings for its environment.
func startChild(task string, settings ...string) (*child, error) {
	c := &child{cmd: exec.Command("/proc/self/exe")}
	c.cmd.Env = append(append(os.Environ(), childTask+"="+task), settings...)
	c.cmd.Stderr = &c.errors
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.answer, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	c.told = bufio.NewScanner(out)
	return c, c.cmd.Start()
}

// hear waits for the next line. A child that has ended instead is an error,
// with what it printed on its standard error.
func (c *child) hear() (string, error) {
	if c.told.Scan() {
		return c.told.Text(), nil
	}
	c.kill()
	return "", fmt.Errorf("the child has ended (%v): %s", c.cmd.ProcessState, strings.TrimSpace(c.errors.String()))
}

func (c *child) say(line string) { _, _ = io.WriteString(c.answer, line+"\n") }

// end lets the child end by itself, unless it has ended already.
func (c *child) end() error {
	if c.cmd.ProcessState != nil {
		return nil
	}
	_ = c.answer.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(c.errors.String()))
	}
	return nil
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed
}
