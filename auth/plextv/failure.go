// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

// failure turns an error of net/http into ours. answered says that the other
// side had begun an HTTP answer. The text of err is then never used: net/http
// quotes what it cannot read, and a portal's redirect may hold our URL.
func (c *Client) failure(ctx context.Context, r request, err error, answered bool) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.op, ctx.Err())
	}
	e := &Error{Op: r.op, Kind: Unreachable}
	if e.Err = certificateProblem(err, c.clock.Now()); e.Err != nil {
		e.ClockSuspect = isClockProblem(err)
		return e
	}
	var broken *net.OpError
	var timeout net.Error
	var withURL *url.Error
	switch {
	case errors.As(err, &broken):
		e.Err = errors.New(r.clean(broken.Error()))
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Err = fmt.Errorf("no whole answer within %s", c.way.Load().timeout)
	case answered && errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind, e.Err = InvalidResponse, errors.New("the answer is cut off")
	case answered:
		e.Kind, e.Err = InvalidResponse, errors.New("the answer is not proper HTTP")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = errors.New("the connection was closed without an answer")
	case errors.As(err, &withURL):
		e.Err = errors.New(r.clean(withURL.Err.Error()))
	default:
		e.Err = errors.New(r.clean(err.Error()))
	}
	return e
}

func isClockProblem(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// certificateProblem names what is wrong with the certificate, nil if nothing.
func certificateProblem(err error, now time.Time) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case isClockProblem(err):
		return fmt.Errorf("certificate is not valid at the box's time %s: is the clock right?",
			now.UTC().Format(time.DateOnly))
	case errors.As(err, &unknown):
		return errors.New("certificate is signed by an unknown authority: a captive portal or old root certificates?")
	case errors.As(err, &name):
		return errors.New("certificate is for another name: a captive portal?")
	}
	return nil
}
