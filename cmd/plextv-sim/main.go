// SPDX-License-Identifier: Apache-2.0

// Command plextv-sim is a simulator of plex.tv, to develop and try out players
// without an account. See plextv-sim --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const intro = `Usage: plextv-sim [flags]
       plextv-sim mock [flags], see plextv-sim mock --help

Simulates plex.tv: sign-in with a PIN, tokens and JWTs, account, Plex Home,
resources. Point a player at the printed URL in place of https://plex.tv. One line
is printed when it listens, and one for each new PIN, claim, JWT, switch of users
and sign-out. Ends with SIGINT or SIGTERM.

`

const controlIntro = `
By hand, with curl -X POST 'URL/sim/...' (open to everyone who reaches the address):

`

// machineID is that of the media server.
const machineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69"

// errUsage marks a mistake of the caller's.
var errUsage = errors.New("see plextv-sim --help")

// settings are the command line.
type settings struct {
	listen, mediaServer, caFile, user string
	tls                               bool
	claimAfter                        time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := choose(ctx, os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "plextv-sim:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// choose runs the simulator, alone or as part of the mock.
func choose(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "mock" {
		return runMock(ctx, args[1:], os.Stdin, os.Stdout)
	}
	return run(ctx, args, os.Stdout)
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	sim := plextvsim.New(plextvsim.Options{ClaimAfter: s.claimAfter, Log: stdout})
	resources := plextvsim.SampleResources()
	var media *plextvsim.Server
	if s.mediaServer != "" {
		if media, err = s.serve(sim.MediaServer(machineID), s.mediaServer); err != nil {
			return err
		}
		defer media.Close()
		resources[0].ClientIdentifier, resources[0].Connections = machineID, []plextvsim.Connection{connection(media)}
	}
	sim.AddUser(plextvsim.User{Username: s.user, HomeAdmin: true, Resources: resources})
	server, err := s.serve(withControl(sim), s.listen)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := s.announce(stdout, server, media); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// withControl serves the simulator and takes orders for it.
func withControl(sim *plextvsim.Sim) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/sim/", sim.Control())
	mux.Handle("/", sim)
	return mux
}

// announce says where plex.tv listens and the media server, if there is one, and
// what to trust.
func (s settings) announce(stdout io.Writer, server, media *plextvsim.Server) error {
	trust, text := server.CAPEM(), "listening on "+server.URL
	if media != nil {
		trust, text = append(trust, media.CAPEM()...), text+"\nmedia server on "+media.URL
	}
	if s.caFile != "" {
		if err := os.WriteFile(s.caFile, trust, 0o644); err != nil {
			return fmt.Errorf("writing the certificate to trust: %w", err)
		}
	}
	if _, err := fmt.Fprintln(stdout, text); err != nil {
		return fmt.Errorf("saying where it listens: %w", err)
	}
	return nil
}

func (s settings) serve(handler http.Handler, address string) (*plextvsim.Server, error) {
	server, err := plextvsim.Listen(handler, address, s.tls)
	if errors.Is(err, plextvsim.ErrPlainHTTP) {
		err = fmt.Errorf("%w, use --tls; %w", err, errUsage)
	}
	return server, err
}

// connection is the way to a media server of this program.
func connection(media *plextvsim.Server) plextvsim.Connection {
	_, address, _ := strings.Cut(media.URL, "://")
	host, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text) // the URL is our own
	return plextvsim.Connection{Address: host, Port: port, URI: media.URL, Local: true}
}

// parse reads the command line. With --help it prints to stdout and returns
// [flag.ErrHelp].
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("plextv-sim", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:32500", "`ADDRESS` to listen on, 127.0.0.1:32500 if not given; port 0 takes a free one; not loopback: only with --tls")
	flags.StringVar(&s.mediaServer, "media-server", "", "`ADDRESS` to serve the first user's media server on, none if not given")
	flags.BoolVar(&s.tls, "tls", false, "speak HTTPS with a fresh certificate")
	flags.StringVar(&s.caFile, "ca-file", "", "with --tls: write the certificate to trust to this `FILE`, for SSL_CERT_FILE")
	flags.DurationVar(&s.claimAfter, "claim-after", 0, "claim every new PIN automatically after this `DURATION`, such as 5s")
	flags.StringVar(&s.user, "user", "sim-user", "`NAME` of the user who claims, sim-user if not given")
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}

	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(flags, stdout)
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && !isAddress(s.listen):
		err = fmt.Errorf("--listen %q is not an address such as 127.0.0.1:32500", s.listen)
	case err == nil && s.mediaServer != "" && !isAddress(s.mediaServer):
		err = fmt.Errorf("--media-server %q is not an address such as 127.0.0.1:32400", s.mediaServer)
	case err == nil && s.claimAfter < 0:
		err = fmt.Errorf("--claim-after %v is negative", s.claimAfter)
	case err == nil && s.user == "":
		err = errors.New("--user is empty")
	case err == nil && s.caFile != "" && !s.tls:
		err = errors.New("--ca-file needs --tls")
	}
	return s, err
}

func isAddress(text string) bool {
	_, err := net.ResolveTCPAddr("tcp", text)
	return err == nil
}

func printHelp(flags *flag.FlagSet, stdout io.Writer) {
	_, _ = io.WriteString(stdout, intro)
	printFlags(flags, stdout)
	_, _ = io.WriteString(stdout, controlIntro+plextvsim.ControlHelp)
}

func printFlags(flags *flag.FlagSet, stdout io.Writer) {
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		_, _ = fmt.Fprintf(stdout, "  --%-22s %s\n", f.Name+" "+value, usage)
	})
}
