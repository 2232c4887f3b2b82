// SPDX-License-Identifier: Apache-2.0

package plextvsim

import "net/http"

// homeDoc is a Plex Home on the wire, as in a captured answer.
type homeDoc struct {
	ID            int64         `json:"id"`
	Name          string        `json:"name"`
	GuestUserID   nullableID    `json:"guestUserID"`
	GuestUserUUID string        `json:"guestUserUUID"`
	GuestEnabled  bool          `json:"guestEnabled"`
	Subscription  bool          `json:"subscription"`
	Users         []homeUserDoc `json:"users"`
}

// homeUserDoc is one of its users.
type homeUserDoc struct {
	ID                 int64    `json:"id"`
	UUID               string   `json:"uuid"`
	Title              string   `json:"title"`
	Username           nullable `json:"username"`
	Email              nullable `json:"email"`
	Thumb              string   `json:"thumb"`
	HasPassword        bool     `json:"hasPassword"`
	Restricted         bool     `json:"restricted"`
	RestrictionProfile nullable `json:"restrictionProfile"`
	Admin              bool     `json:"admin"`
	Guest              bool     `json:"guest"`
	Protected          bool     `json:"protected"`
}

func (s *Sim) getHomeUsers(x *exchange, session *session) reply {
	return reply{http.StatusOK, jsonOnly{session.user.homeDocument()}}
}

// homeDocument shows the user's home; who has none is alone in it.
func (user *User) homeDocument() homeDoc {
	members := user.homeMembers()
	document := homeDoc{Name: members[0].Title + "'s home"}
	if user.home != nil {
		document.ID = user.home.id
	}
	for _, member := range members {
		if member.Guest {
			document.GuestUserID, document.GuestUserUUID, document.GuestEnabled = nullableID(member.ID), member.UUID, true
		}
		document.Users = append(document.Users, member.homeUserDocument())
	}
	return document
}

func (user *User) homeUserDocument() homeUserDoc {
	document := homeUserDoc{
		ID: user.ID, UUID: user.UUID, Title: user.Title, Thumb: user.Thumb,
		HasPassword: user.hasPassword(), Restricted: user.Restricted,
		Admin: user.HomeAdmin, Guest: user.Guest, Protected: user.PIN != "",
	}
	if user.hasPassword() {
		document.Username, document.Email = nullable(user.Username), nullable(user.Email)
	}
	return document
}
