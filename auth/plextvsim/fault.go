// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

// Fault is one way to misbehave. Its fields add up: a Delay with a Status is a
// late error. Without Status, Code, Body and Location the request is carried out
// and its true answer is what gets delayed, skewed, relabelled, padded or cut off.
type Fault struct {
	Endpoint Endpoint // [Any]: whatever is asked
	Times    int      // how many requests; 0: until [Sim.Clear]

	For time.Duration // for how long from [Sim.Fail] on; 0: without an end

	Delay time.Duration // before the request is looked at
	Skew  time.Duration // how far plex.tv's clock is ahead: Date header, times in the answer and of JWTs
	Reset bool          // reset the connection instead of an answer
	Lost  bool          // carry the request out, then reset the connection: the answer is lost

	Status     int    // HTTP status, with plex.tv's usual error for it
	Code       int    // plex.tv's own error code, if it is not the usual one for Status
	RetryAfter string // the Retry-After header: seconds or an HTTP date
	Location   string // redirect to this URL, with 302 if Status is 0
	Body       string // instead of plex.tv's body, with 200 if Status is 0

	ContentType string // instead of the right one
	PadTo       int    // append white space up to so many bytes of body
	CutOff      bool   // announce the whole body, send half of it, close the connection
	Stall       bool   // the same, but leave it to the client to close it
}

// CaptivePortal is the page of a network that wants a sign-in of its own first:
// status 200 and HTML for whatever was asked.
func CaptivePortal() Fault {
	return Fault{
		Status:      http.StatusOK,
		ContentType: "text/html; charset=utf-8",
		Body: `<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>Guest network</h1>` +
			`<form method="post" action="/accept"><button>Accept the terms</button></form></body></html>`,
	}
}

// Fail makes the next requests that fit go wrong. Faults are used up in the order
// in which they were given, one for each request, so a few calls are a script.
func (s *Sim) Fail(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	met := pendingFault{Fault: fault}
	if fault.For > 0 {
		met.ends = s.clock.Now().Add(fault.For)
	}
	s.faults = append(s.faults, &met)
}

// pendingFault is a fault that requests can meet.
type pendingFault struct {
	Fault
	ends time.Time // zero: never
}

// Clear forgets all faults. Tokens that are refused stay so.
func (s *Sim) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault that a request to the endpoint meets, the zero
// Fault if none.
func (s *Sim) nextFault(endpoint Endpoint) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *pendingFault) bool {
		return !f.ends.IsZero() && !s.clock.Now().Before(f.ends)
	})
	for i, fault := range s.faults {
		if fault.Endpoint != Any && fault.Endpoint != endpoint {
			continue
		}
		met := fault.Fault
		if fault.Times == 1 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		} else if fault.Times > 1 {
			fault.Times--
		}
		return met
	}
	return Fault{}
}

// invents tells whether the fault has an answer of its own.
func (f Fault) invents() bool {
	return f.Status != 0 || f.Code != 0 || f.Body != "" || f.Location != ""
}

// answer is the invented answer.
func (f Fault) answer(x *exchange) answer {
	switch {
	case f.Body != "":
		header := http.Header{"Content-Type": {x.contentType()}}
		return answer{status: http.StatusOK, header: header, body: []byte(f.Body)}
	case f.Location != "":
		return answer{status: http.StatusFound, header: make(http.Header)}
	case f.Code != 0:
		return render(x, refuse(f.Code))
	}
	if known, ok := refuseStatus(f.Status); ok {
		return render(x, known)
	}
	if f.Status >= http.StatusBadRequest {
		return htmlAnswer(f.Status)
	}
	return answer{status: f.Status, header: make(http.Header)}
}

// htmlAnswer is an error page as load balancers and media servers send it.
func htmlAnswer(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"text/html"}},
		body:   []byte("<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>"),
	}
}

// spoil applies to an answer, true or invented, what the fault wants otherwise.
func (f Fault) spoil(a *answer) {
	if f.Status != 0 {
		a.status = f.Status
	}
	for name, value := range map[string]string{
		"Retry-After": f.RetryAfter, "Location": f.Location, "Content-Type": f.ContentType,
	} {
		if value != "" {
			a.header.Set(name, value)
		}
	}
	if missing := f.PadTo - len(a.body); missing > 0 {
		a.body = append(a.body, bytes.Repeat([]byte(" "), missing)...)
	}
	a.cutOff = f.CutOff || f.Stall
}

// reset ends the connection with a TCP reset where it can be got at, otherwise
// (HTTP/2, a wrapped writer) as hard as net/http allows. It does not return.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tls, ok := connection.(interface{ NetConn() net.Conn }); ok {
			connection = tls.NetConn() // closing TLS itself would say goodbye first
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
	panic(http.ErrAbortHandler)
}
