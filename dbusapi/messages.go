// SPDX-License-Identifier: Apache-2.0

package dbusapi

// Message ids of what this package logs; see the ones of package auth.
// packaging/systemd/plexauthd.catalog explains each.
const (
	MessageNoGroup = "c3d8f0b16a7e4925b8e1d07f43a96c5e"
	MessageBlind   = "765570d501014b9da55cd8edd5476247" // with error
)
