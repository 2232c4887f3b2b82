// SPDX-License-Identifier: Apache-2.0

package systemd

// Message ids of what this package logs; see the ones of package auth.
// packaging/systemd/plexauthd.catalog explains each.
const (
	MessageStuck = "b7d2a9e56c3f4d0c8e41f6907a5b2c18" // with error
)
