// SPDX-License-Identifier: Apache-2.0

package daemon

// Message ids of what the daemon itself logs; see the ones of package auth.
// packaging/systemd/plexauthd.catalog explains each.
const (
	MessageServing       = "29b889e2256a42afbc20ee340a60d6c7" // with version, bus
	MessageReloaded      = "ec84d9d100b747be875ecf62966c75c3" // with changed
	MessageReloadRefused = "d2952d913da74b1c88e5074a770171f3" // with error
	MessageNotLocked     = "b82d4c5a53a44a0c8bb7e3fd2bd0f4d6" // with error
	MessageServersLost   = "3e5a90c7d8f14b62a1c47be6025f9d3c" // with error
	MessageInMemory      = "1f6b0a5dd2c94c7f8e35b1c90a64de72" // with file_system
)
