// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"net/http"
)

// v1UserDoc is an account as the endpoints without a version show it.
type v1UserDoc struct {
	XMLName             xml.Name `json:"-" xml:"user"`
	ID                  int64    `json:"id" xml:"id,attr"`
	UUID                string   `json:"uuid" xml:"uuid,attr"`
	Email               string   `json:"email" xml:"email,attr"`
	Username            string   `json:"username" xml:"username,attr"`
	Title               string   `json:"title" xml:"title,attr"`
	Thumb               string   `json:"thumb" xml:"thumb,attr"`
	Locale              nullable `json:"locale" xml:"locale,attr"`
	AuthenticationToken string   `json:"authentication_token" xml:"authenticationToken,attr"`
	AuthToken           string   `json:"authToken" xml:"authToken,attr"`
	Restricted          flag     `json:"restricted" xml:"restricted,attr"`
	Home                flag     `json:"home" xml:"home,attr"`
	Guest               flag     `json:"guest" xml:"guest,attr"`
	HomeSize            int      `json:"homeSize" xml:"homeSize,attr"`
	MaxHomeSize         int      `json:"maxHomeSize" xml:"maxHomeSize,attr"`
	HasPassword         flag     `json:"hasPassword" xml:"hasPassword,attr"`

	Subscription subscriptionDoc `json:"subscription" xml:"subscription"`

	// What XML repeats as elements.
	UsernameElement string   `json:"-" xml:"username"`
	EmailElement    string   `json:"-" xml:"email"`
	JoinedAt        v1Joined `json:"joined_at" xml:"joined-at"`
	TokenElement    string   `json:"-" xml:"authentication-token"`
}

// v1Joined is when the account was made.
type v1Joined string

// MarshalXML implements [xml.Marshaler].
func (j v1Joined) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: "type"}, Value: "datetime"})
	return encoder.EncodeElement(string(j), start)
}

func newV1UserDoc(user *User, token string) v1UserDoc {
	return v1UserDoc{
		ID: user.ID, UUID: user.UUID, Email: user.Email, Username: user.Username, Title: user.Title, Thumb: user.Thumb,
		AuthenticationToken: token, AuthToken: token,
		Restricted: flag(user.Restricted), Guest: flag(user.Guest), HasPassword: flag(user.hasPassword()),
		Home: flag(user.home != nil), HomeSize: len(user.homeMembers()), MaxHomeSize: 15,
		Subscription:    subscriptionDoc{Status: "Inactive", Features: names{"companions_sonos", "home"}},
		UsernameElement: user.Username, EmailElement: user.Email,
		JoinedAt: "2017-07-14 02:40:00 UTC", TokenElement: token,
	}
}

// wrapped is the document for both formats: JSON has it in an object.
func (d v1UserDoc) wrapped() list { return list{items: map[string]v1UserDoc{"user": d}, element: d} }

// v1Account answers GET /users/account. A token that is not good is 422 there.
func (s *Sim) v1Account(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, refusal := s.authenticate(x)
	switch {
	case session != nil:
		return reply{http.StatusOK, newV1UserDoc(session.user, session.token).wrapped()}
	case refusal.status == http.StatusUnauthorized:
		invalid, _ := refuseStatus(http.StatusUnprocessableEntity)
		return invalid
	}
	return refusal
}
