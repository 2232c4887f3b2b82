// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"
)

// Codes of plex.tv's errors.
const (
	codeNoIdentifier = 1000
	codeNoUser       = 1001
	codeNotFound     = 1002
	codeTooMany      = 1003
	codeMalformed    = 1004
	codeManaged      = 1009
	codePinGone      = 1020
	codeNotPIN       = 1038
	codeNeedsPIN     = 1041
	codeNoKey        = 1097

	codeWrongVerification = 1028
	codeNeedsVerification = 1029
	codeSignInLimit       = 1031
)

// statusExpired is plex.tv's own HTTP status for a JWT that has expired.
const statusExpired = 498

// apiError is an error as plex.tv spells it. In XML it is
// <error code="1001" message="…" status="401"/>; without a code it is the older
// form <error>message</error>.
type apiError struct {
	Code    int    `json:"code,omitempty"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
}

// MarshalXML implements [xml.Marshaler].
func (e apiError) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	if e.Code == 0 {
		return encoder.EncodeElement(e.Message, start)
	}
	attribute := func(name, value string) {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	}
	attribute("code", strconv.Itoa(e.Code))
	attribute("message", e.Message)
	if e.Status != 0 {
		attribute("status", strconv.Itoa(e.Status))
	}
	return encoder.EncodeElement("", start)
}

// errorsDoc is the body of an error.
type errorsDoc struct {
	XMLName xml.Name   `json:"-" xml:"errors"`
	Errors  []apiError `json:"errors" xml:"error"`
}

// knownErrors holds plex.tv's errors. Of several with one status the first is
// what a [Fault] with that status alone answers.
func knownErrors() []apiError {
	return []apiError{
		{codeMalformed, "The request was malformed, missed a required parameter or contained invalid values for them", 400},
		{codeNoIdentifier, "X-Plex-Client-Identifier is missing", 400},
		{codeNotPIN, "PIN must be 4 digits", 400},
		{codeNoUser, "User could not be authenticated", 401},
		{codeWrongVerification, "The verification code is wrong", 401},
		{codeNeedsVerification, "Please enter the verification code", 401},
		{codeSignInLimit, "Sign-in from this IP address is blocked after repeated failures", 401},
		{codeManaged, "Managed users aren't allowed to perform this action", 403},
		{codeNeedsPIN, "A valid PIN is required to perform this action", 403},
		{1043, "This action is not available for this user", 403},
		{codeNotFound, "The requested resource or endpoint could not be found", 404},
		{codePinGone, "Code not found or expired", 404},
		{0, "Invalid token", 422},
		{codeNoKey, "No public key to verify the JWT with", 422},
		{codeTooMany, "API rate limit exceeded", 429},
		{1007, "Internal Server Error. Something went wrong on our end", 500},
		{0, "JWT has expired", statusExpired},
	}
}

// refuse is the reply with one of plex.tv's errors.
func refuse(code int) reply { return refuseWith(code, 0) }

// refuseWith is the same with another status than the usual one, if that is not 0.
func refuseWith(code, status int) reply {
	for _, known := range knownErrors() {
		if known.Code == code {
			known.Status = cmp.Or(status, known.Status)
			return known.reply()
		}
	}
	return reply{status: http.StatusBadRequest, document: errorsDoc{Errors: []apiError{{Code: code}}}}
}

// refuseStatus is the reply with plex.tv's usual error for a status, if it has one.
func refuseStatus(status int) (reply, bool) {
	for _, known := range knownErrors() {
		if known.Status == status {
			return known.reply(), true
		}
	}
	return reply{}, false
}

func (e apiError) reply() reply {
	status := e.Status
	if e.Code == codePinGone {
		e.Status = 0 // this one comes without, unlike the others
	}
	return reply{status: status, document: errorsDoc{Errors: []apiError{e}}}
}
