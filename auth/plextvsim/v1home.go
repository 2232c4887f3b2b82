// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"net/http"
	"path"
	"strconv"
)

// v1HomeUserDoc is a user of a home as /api/home/users shows it.
type v1HomeUserDoc struct {
	ID          int64    `json:"id" xml:"id,attr"`
	UUID        string   `json:"uuid" xml:"uuid,attr"`
	Admin       flag     `json:"admin" xml:"admin,attr"`
	Guest       flag     `json:"guest" xml:"guest,attr"`
	Restricted  flag     `json:"restricted" xml:"restricted,attr"`
	Protected   flag     `json:"protected" xml:"protected,attr"`
	HasPassword flag     `json:"hasPassword" xml:"hasPassword,attr"`
	Title       string   `json:"title" xml:"title,attr"`
	Username    nullable `json:"username" xml:"username,attr"`
	Email       nullable `json:"email" xml:"email,attr"`
	Thumb       string   `json:"thumb" xml:"thumb,attr"`
}

// v1HomeUsers answers GET /api/home/users.
func (s *Sim) v1HomeUsers(x *exchange, session *session) reply {
	members := session.user.homeMembers()
	users := make([]v1HomeUserDoc, 0, len(members))
	for _, member := range members {
		d := member.homeUserDocument()
		users = append(users, v1HomeUserDoc{
			ID: d.ID, UUID: d.UUID, Title: d.Title, Username: d.Username, Email: d.Email, Thumb: d.Thumb,
			Admin: flag(d.Admin), Guest: flag(d.Guest), Restricted: flag(d.Restricted),
			Protected: flag(d.Protected), HasPassword: flag(d.HasPassword),
		})
	}
	container := newV1Container(len(users))
	container.User = users
	return container.reply()
}

// v1SwitchUser answers POST /api/home/users/{id}/switch, where the id is a number.
func (s *Sim) v1SwitchUser(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(path.Base(path.Dir(x.path)), 10, 64) // 0 is nobody's
	switched, refusal := s.switchTo(x, func(user *User) bool { return user.ID == id })
	if switched == nil {
		return refusal
	}
	return reply{http.StatusCreated, newV1UserDoc(switched.user, switched.token).wrapped()}
}

// v1FriendDoc is somebody with whom the user shares, as /api/users shows it.
type v1FriendDoc struct {
	ID                int64            `json:"id" xml:"id,attr"`
	Title             string           `json:"title" xml:"title,attr"`
	Username          nullable         `json:"username" xml:"username,attr"`
	Email             nullable         `json:"email" xml:"email,attr"`
	Thumb             string           `json:"thumb" xml:"thumb,attr"`
	Protected         flag             `json:"protected" xml:"protected,attr"`
	Home              flag             `json:"home" xml:"home,attr"`
	Restricted        flag             `json:"restricted" xml:"restricted,attr"`
	AllowSync         flag             `json:"allowSync" xml:"allowSync,attr"`
	AllowCameraUpload flag             `json:"allowCameraUpload" xml:"allowCameraUpload,attr"`
	AllowChannels     flag             `json:"allowChannels" xml:"allowChannels,attr"`
	FilterAll         string           `json:"filterAll" xml:"filterAll,attr"`
	FilterMovies      string           `json:"filterMovies" xml:"filterMovies,attr"`
	FilterMusic       string           `json:"filterMusic" xml:"filterMusic,attr"`
	FilterPhotos      string           `json:"filterPhotos" xml:"filterPhotos,attr"`
	FilterTelevision  string           `json:"filterTelevision" xml:"filterTelevision,attr"`
	Servers           []v1SharedServer `json:"Server" xml:"Server"`
}

// v1SharedServer is a media server that is shared with a friend.
type v1SharedServer struct {
	ID                int    `json:"id" xml:"id,attr"`
	ServerID          int    `json:"serverId" xml:"serverId,attr"`
	MachineIdentifier string `json:"machineIdentifier" xml:"machineIdentifier,attr"`
	Name              string `json:"name" xml:"name,attr"`
	LastSeenAt        int64  `json:"lastSeenAt" xml:"lastSeenAt,attr"`
	NumLibraries      int    `json:"numLibraries" xml:"numLibraries,attr"`
	AllLibraries      flag   `json:"allLibraries" xml:"allLibraries,attr"`
	Owned             flag   `json:"owned" xml:"owned,attr"`
	Pending           flag   `json:"pending" xml:"pending,attr"`
}

// v1Friends answers GET /api/users/: here they are the others of the home.
func (s *Sim) v1Friends(x *exchange, session *session) reply {
	friends := []v1FriendDoc{}
	for _, member := range session.user.homeMembers() {
		if member != session.user {
			friends = append(friends, session.user.friendDocument(member, x))
		}
	}
	container := newV1Container(len(friends))
	container.User = friends
	return container.reply()
}

// friendDocument shows a friend to the user, with the servers that both see.
func (user *User) friendDocument(friend *User, x *exchange) v1FriendDoc {
	d := friend.homeUserDocument()
	document := v1FriendDoc{
		ID: d.ID, Title: d.Title, Username: d.Username, Email: d.Email, Thumb: d.Thumb,
		Protected: flag(d.Protected), Restricted: flag(d.Restricted), Home: true, AllowSync: true,
		Servers: []v1SharedServer{},
	}
	for i, own := range user.Resources {
		for _, seen := range friend.Resources {
			if own.Owned && own.Provides == "server" && own.ClientIdentifier == seen.ClientIdentifier {
				document.Servers = append(document.Servers, v1SharedServer{
					ID: i + 1, ServerID: i + 1, MachineIdentifier: own.ClientIdentifier, Name: own.Name,
					LastSeenAt: x.plexTime().Unix(), NumLibraries: 1, AllLibraries: true, Owned: true,
				})
			}
		}
	}
	return document
}
