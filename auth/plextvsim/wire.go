// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reply is what an endpoint has to say. The document is encoded as JSON or XML;
// without one the body is empty.
type reply struct {
	status   int
	document any
}

// list is a document that is a bare array in JSON and an element with children
// in XML.
type list struct {
	items   any
	element any
}

// jsonOnly is a document whose XML form was never seen: it is JSON for everybody.
type jsonOnly struct{ document any }

// answer is a reply as it goes over the wire.
type answer struct {
	status int
	header http.Header
	body   []byte
	cutOff bool
}

// render encodes a reply in the format the client asked for.
func render(x *exchange, r reply) answer {
	a := answer{status: r.status, header: make(http.Header)}
	if r.document == nil {
		return a
	}
	if only, ok := r.document.(jsonOnly); ok {
		x.wantsJSON, r.document = true, only.document
	}
	forJSON, forXML := r.document, r.document
	if l, ok := r.document.(list); ok {
		forJSON, forXML = l.items, l.element
	}
	a.header.Set("Content-Type", x.contentType())
	var body bytes.Buffer
	var err error
	if x.wantsJSON {
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(forJSON)
	} else {
		body.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
		err = xml.NewEncoder(&body).Encode(forXML)
	}
	if err != nil {
		panic("plextvsim: encoding an answer: " + err.Error()) // the documents are our own
	}
	a.body = bytes.TrimRight(body.Bytes(), "\n")
	return a
}

func (x *exchange) contentType() string {
	if x.wantsJSON {
		return "application/json; charset=utf-8"
	}
	return "application/xml; charset=utf-8"
}

// write sends the answer, dated now.
func (a answer) write(w http.ResponseWriter, now time.Time) {
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	if a.status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if a.cutOff { // net/http closes a connection that gets less than was announced
		a.body = a.body[:len(a.body)/2]
	}
	_, _ = w.Write(a.body) // a client that went away misses nothing
}

// flag is a truth value: true in JSON, "1" in XML.
type flag bool

// MarshalXMLAttr implements [xml.MarshalerAttr].
func (f flag) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: f.digit()}, nil
}

// nullable is a text that is null in JSON when it is empty.
type nullable string

// MarshalJSON implements [json.Marshaler].
func (n nullable) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(n))
}

// nullableID is a number that is null in JSON and "" in XML when it is 0.
type nullableID int64

// MarshalJSON implements [json.Marshaler].
func (n nullableID) MarshalJSON() ([]byte, error) {
	if n == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(int64(n))
}

// MarshalXMLAttr implements [xml.MarshalerAttr].
func (n nullableID) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	if n == 0 {
		return xml.Attr{Name: name}, nil
	}
	return xml.Attr{Name: name, Value: strconv.FormatInt(int64(n), 10)}, nil
}

// stamp is a point in time, to the second: ISO 8601 in JSON, in XML with spaces
// and the zone's name.
type stamp time.Time

// MarshalJSON implements [json.Marshaler].
func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(isoTime(time.Time(s)))
}

// MarshalXMLAttr implements [xml.MarshalerAttr].
func (s stamp) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: time.Time(s).UTC().Format("2006-01-02 15:04:05 UTC")}, nil
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// names is a list of words: an array in JSON, in XML one child with an id
// attribute for each, named like the list in the singular.
type names []string

// MarshalXML implements [xml.Marshaler].
func (n names) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	type child struct {
		XMLName xml.Name
		ID      string `xml:"id,attr"`
	}
	children := make([]child, 0, len(n))
	for _, id := range n {
		children = append(children, child{xml.Name{Local: strings.TrimSuffix(start.Name.Local, "s")}, id})
	}
	return encoder.EncodeElement(struct{ Children []child }{children}, start)
}
