// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"net/http"
	"path"
	"slices"
	"strconv"
)

// about is what a device last said of itself, in its X-Plex- headers.
type about struct{ name, product, version, platform, platformVersion, device, model, vendor string }

func (x *exchange) about() about {
	return about{
		name: x.param("X-Plex-Device-Name"), product: x.param("X-Plex-Product"), version: x.param("X-Plex-Version"),
		platform: x.param("X-Plex-Platform"), platformVersion: x.param("X-Plex-Platform-Version"),
		device: x.param("X-Plex-Device"), model: x.param("X-Plex-Model"), vendor: x.param("X-Plex-Device-Vendor"),
	}
}

// v1DeviceDoc is an authorized device as /devices.xml shows it, token included.
type v1DeviceDoc struct {
	ID               int64  `json:"id" xml:"id,attr"`
	Name             string `json:"name" xml:"name,attr"`
	PublicAddress    string `json:"publicAddress" xml:"publicAddress,attr"`
	Product          string `json:"product" xml:"product,attr"`
	ProductVersion   string `json:"productVersion" xml:"productVersion,attr"`
	Platform         string `json:"platform" xml:"platform,attr"`
	PlatformVersion  string `json:"platformVersion" xml:"platformVersion,attr"`
	Device           string `json:"device" xml:"device,attr"`
	Model            string `json:"model" xml:"model,attr"`
	Vendor           string `json:"vendor" xml:"vendor,attr"`
	Provides         string `json:"provides" xml:"provides,attr"`
	ClientIdentifier string `json:"clientIdentifier" xml:"clientIdentifier,attr"`
	Version          string `json:"version" xml:"version,attr"`
	Token            string `json:"token" xml:"token,attr"`
	CreatedAt        string `json:"createdAt" xml:"createdAt,attr"`
	LastSeenAt       string `json:"lastSeenAt" xml:"lastSeenAt,attr"`
}

// v1Devices answers GET /devices.xml and /devices.json, where the list is bare.
func (s *Sim) v1Devices(x *exchange, session *session) reply {
	devices := []v1DeviceDoc{}
	for _, d := range s.devices {
		if d.user == session.user && d.signedIn() {
			devices = append(devices, d.document(x))
		}
	}
	slices.SortFunc(devices, func(a, b v1DeviceDoc) int { return int(a.ID - b.ID) })
	container := newV1Container(len(devices))
	container.Device = devices
	return reply{http.StatusOK, list{items: devices, element: container}}
}

// signedIn tells whether the device holds a token or a key.
func (d *device) signedIn() bool {
	return d.key != nil || slices.ContainsFunc(d.sessions, func(s *session) bool { return s.refused == 0 })
}

func (d *device) document(x *exchange) v1DeviceDoc {
	document := v1DeviceDoc{
		ID: d.id, Name: d.about.name, PublicAddress: publicAddress,
		Product: d.about.product, ProductVersion: d.about.version, Version: d.about.version,
		Platform: d.about.platform, PlatformVersion: d.about.platformVersion,
		Device: d.about.device, Model: d.about.model, Vendor: d.about.vendor,
		ClientIdentifier: d.client, CreatedAt: knownSince, LastSeenAt: strconv.FormatInt(x.plexTime().Unix(), 10),
	}
	for _, session := range d.sessions {
		if session.refused == 0 && !session.switched {
			document.Token = session.token
		}
	}
	return document
}

// v1RemoveDevice answers DELETE /devices/{id}.xml.
func (s *Sim) v1RemoveDevice(x *exchange, session *session) reply {
	for _, d := range s.devices {
		if d.user == session.user && strconv.FormatInt(d.id, 10) == path.Base(x.path) {
			s.remove(d)
			x.log = "a device was removed"
			return reply{status: http.StatusOK}
		}
	}
	return refuse(codeNotFound)
}
