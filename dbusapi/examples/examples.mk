# make frontend-test  runs the example frontends beside the daemon, and kills it
#                     under them a hundred times; installs what it needs as root

FRONTEND_PACKAGES := dbus-daemon python3-jeepney gcc libc6-dev pkg-config libsystemd-dev gjs

.PHONY: frontend-test
frontend-test: bin/plexauthd
	@sh packaging/test-packages.sh $(FRONTEND_PACKAGES)
	$(GO) test -tags frontends -count 1 ./dbusapi/examples
