// SPDX-License-Identifier: Apache-2.0

package daemontest

import "github.com/retune-tv/plexauthd/auth/plextvsim"

// Ada has a media server, and a home in which Kim and Bob live.
const (
	AdasUUID  = "0a1b2c3d4e5f6071"
	KimsUUID  = "1b2c3d4e5f607182"
	BobsUUID  = "2c3d4e5f60718293"
	BobsPIN   = "4711"
	MachineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69" // of the media server
)

// Ada makes Ada an account, and returns a token of hers from some other device.
func (b *Box) Ada() (token string) {
	b.Helper()
	resources := plextvsim.SampleResources()[:1]
	resources[0].ClientIdentifier = MachineID
	token = b.Sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada", UUID: AdasUUID, Resources: resources})
	for _, user := range []plextvsim.User{
		{Username: "kim", Title: "Kim", UUID: KimsUUID, Restricted: true},
		{Username: "bob", Title: "Bob", UUID: BobsUUID, Restricted: true, PIN: BobsPIN},
	} {
		if _, err := b.Sim.AddHomeUser(token, user); err != nil {
			b.Fatal(err)
		}
	}
	return token
}
