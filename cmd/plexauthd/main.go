// SPDX-License-Identifier: Apache-2.0

// Command plexauthd owns the Plex account of this box and serves it on D-Bus.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/retune-tv/plexauthd/daemon"
	"github.com/retune-tv/plexauthd/daemon/config"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "devel"

// pace is set to none in builds of tests that call more often than people do.
var pace string

const usage = `Usage: plexauthd [options]

Owns the Plex account of this box and serves it on D-Bus as tv.retune.PlexAuth1.

  --config FILE      configuration (default ` + config.DefaultPath + `, which may be missing)
  --bus BUS          system, session or a D-Bus address (default system)
  --state FILE       state file (default $STATE_DIRECTORY/state.toml,
                     else $XDG_STATE_HOME/plexauthd/state.toml)
  --plex-url URL     base address in place of https://plex.tv
  --log-level LEVEL  debug, info, warning or error
  --check-config     read the configuration, say what is wrong with it, and exit
  --version          print the version and exit
`

// Exit statuses.
const (
	exitStopped = 0
	exitFailed  = 1
	exitUsage   = 2
)

func main() {
	// net/http logs unsolicited responses, which may hold a token, to the standard
	// logger. Our own log does not go there.
	log.SetOutput(io.Discard)
	// A crash ends by a signal: Go's own status 2 means a usage error here.
	debug.SetTraceback("crash")
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout io.Writer, stderr *os.File) int {
	err := start(args, stdout, stderr)
	var usageError *daemon.UsageError
	var configError *config.Error
	switch {
	case err == nil:
		return exitStopped
	case errors.As(err, &usageError):
		fmt.Fprintf(stderr, "plexauthd: %v; see plexauthd --help\n", err)
		return exitUsage
	case errors.As(err, &configError):
		fmt.Fprintf(stderr, "plexauthd: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "plexauthd: %v\n", err)
		return exitFailed
	}
}

func start(args []string, stdout io.Writer, stderr *os.File) error {
	o := daemon.Options{Version: version, Stderr: stderr, Unpaced: pace == "none"}
	flags := flag.NewFlagSet("plexauthd", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.ConfigPath, "config", "", "")
	flags.StringVar(&o.Bus, "bus", "", "")
	flags.StringVar(&o.StatePath, "state", "", "")
	flags.StringVar(&o.PlexURL, "plex-url", "", "")
	flags.StringVar(&o.LogLevel, "log-level", "", "")
	checkConfig := flags.Bool("check-config", false, "")
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, usage)
		return err
	case err != nil:
		return &daemon.UsageError{Err: err}
	case flags.NArg() > 0:
		return &daemon.UsageError{Err: fmt.Errorf("unexpected argument %q", flags.Arg(0))}
	case *showVersion:
		_, err := fmt.Fprintln(stdout, "plexauthd", version)
		return err
	case *checkConfig:
		return daemon.CheckConfig(o)
	}
	return serve(o)
}

// serve runs the daemon until it is told to stop by SIGTERM or SIGINT.
func serve(o daemon.Options) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	// Writing to standard error fails once nobody reads it, and works again when
	// somebody does. Go would end the program, which systemd takes for success.
	signal.Ignore(syscall.SIGPIPE)
	reload, listening := make(chan os.Signal, 1), make(chan struct{})
	o.Reload, o.Listening = reload, listening
	// In the background, because Go starts a thread for signals and waits for it, which
	// takes a twelfth of the time to READY=1.
	go func() {
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
		signal.Notify(reload, syscall.SIGHUP)
		close(listening)
		<-end
		stop()
	}()
	return daemon.Run(ctx, o)
}
