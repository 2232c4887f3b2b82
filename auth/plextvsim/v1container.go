// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"net/http"
)

// v1Container is what the lists of the endpoints without a version come in. Each
// of User, Device and Server is a slice of documents, or nil.
type v1Container struct {
	XMLName           xml.Name `json:"-" xml:"MediaContainer"`
	FriendlyName      string   `json:"friendlyName" xml:"friendlyName,attr"`
	Identifier        string   `json:"identifier" xml:"identifier,attr"`
	MachineIdentifier string   `json:"machineIdentifier" xml:"machineIdentifier,attr"`
	PublicAddress     string   `json:"publicAddress" xml:"publicAddress,attr"`
	Size              int      `json:"size" xml:"size,attr"`
	User              any      `json:"User,omitempty" xml:"User"`
	Device            any      `json:"Device,omitempty" xml:"Device"`
	Server            any      `json:"Server,omitempty" xml:"Server"`
}

// publicAddress is what plex.tv sees of every home, from a range for documentation.
const publicAddress = "203.0.113.7"

func newV1Container(size int) v1Container {
	return v1Container{
		FriendlyName: "myPlex", Identifier: "com.plexapp.plugins.myplex",
		MachineIdentifier: "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567", PublicAddress: publicAddress, Size: size,
	}
}

// reply is the answer with the container; JSON has it in an object.
func (c v1Container) reply() reply {
	return reply{http.StatusOK, list{items: map[string]v1Container{"MediaContainer": c}, element: c}}
}
