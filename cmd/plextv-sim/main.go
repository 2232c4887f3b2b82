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
	"syscall"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const intro = `Usage: plextv-sim [flags]

Simulates plex.tv: sign-in with a PIN, account, resources. Point a player at the
printed URL in place of https://plex.tv. One line is printed when it listens, and
one for each new PIN, claim and sign-out. Ends with SIGINT or SIGTERM.

`

const controlIntro = `
By hand, with curl -X POST 'URL/sim/...' (open to everyone who reaches the address):

`

// errUsage marks a mistake of the caller's.
var errUsage = errors.New("see plextv-sim --help")

// settings are the command line.
type settings struct {
	listen, caFile, user string
	tls                  bool
	claimAfter           time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "plextv-sim:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
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
	sim.AddUser(plextvsim.User{Username: s.user, HomeAdmin: true, Resources: plextvsim.SampleResources()})
	mux := http.NewServeMux()
	mux.Handle("/sim/", sim.Control())
	mux.Handle("/", sim)

	server, err := plextvsim.Listen(mux, s.listen, s.tls)
	if errors.Is(err, plextvsim.ErrPlainHTTP) {
		return fmt.Errorf("%w, use --tls; %w", err, errUsage)
	}
	if err != nil {
		return err
	}
	defer server.Close()
	if s.caFile != "" {
		if err := os.WriteFile(s.caFile, server.CAPEM(), 0o644); err != nil {
			return fmt.Errorf("writing the certificate to trust: %w", err)
		}
	}
	if _, err := fmt.Fprintln(stdout, "listening on", server.URL); err != nil {
		return fmt.Errorf("saying where it listens: %w", err)
	}
	<-ctx.Done()
	return nil
}

// parse reads the command line. With --help it prints to stdout and returns
// [flag.ErrHelp].
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("plextv-sim", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:32500", "`ADDRESS` to listen on, 127.0.0.1:32500 if not given; port 0 takes a free one; not loopback: only with --tls")
	flags.BoolVar(&s.tls, "tls", false, "speak HTTPS with a fresh certificate")
	flags.StringVar(&s.caFile, "ca-file", "", "with --tls: write the certificate to trust to this `FILE`, for SSL_CERT_FILE")
	flags.DurationVar(&s.claimAfter, "claim-after", 0, "claim every new PIN by itself after this `DURATION`, such as 5s")
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
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		_, _ = fmt.Fprintf(stdout, "  --%-20s %s\n", f.Name+" "+value, usage)
	})
	_, _ = io.WriteString(stdout, controlIntro+plextvsim.ControlHelp)
}
