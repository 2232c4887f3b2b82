// Clients of plex.tv that others wrote, to try them on the simulator. A module of
// its own, so that they are no dependencies of plexauthd.
module github.com/retune-tv/plexauthd/auth/plextvsim/clients

go 1.26

require (
	github.com/clambin/mediaclients v0.9.0
	github.com/jrudio/go-plex-client v0.0.0-20250127195314-943dc7a39f7c
)

require (
	github.com/clambin/go-common/set v0.4.3 // indirect
	github.com/google/uuid v1.5.0 // indirect
	github.com/gorilla/websocket v1.4.0 // indirect
)
