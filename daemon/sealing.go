package daemon

import (
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/config"
	"github.com/retune-tv/plexauthd/systemd"
)

// keyCredential is the credential (systemd.exec(5), LoadCredentialEncrypted=)
// under which the secrets in the state file are sealed.
const keyCredential = "plexauthd.key"

// openState gives the state file at path, sealed if the unit passes a key. A
// key that cannot be used is a mistake in the configuration: to go on without
// it would write down in plain text what is to be sealed.
func openState(path string, clock clockwork.Clock) (*statefile.File, error) {
	text, found, err := systemd.Credential(keyCredential)
	if err == nil && !found {
		return statefile.Open(path, clock), nil
	}
	var key statefile.Key
	if err == nil {
		key, err = statefile.ParseKey(text)
	}
	if err != nil {
		return nil, &config.Error{File: "credential " + keyCredential, Problem: err.Error()}
	}
	return statefile.OpenSealed(path, clock, key), nil
}
