# make frontend-test  runs the example frontends beside the daemon, and kills it
#                     under them a hundred times; installs what it needs as root

frontend_packages := python3-jeepney gcc libc6-dev pkg-config libsystemd-dev gjs \
	g++ make qt6-base-dev qt6-declarative-dev qml6-module-qtquick qml6-module-qtquick-window \
	qml6-module-qtqml-workerscript

.PHONY: frontend-test
frontend-test: bin/plexauthd
	@sh packaging/test-packages.sh $(frontend_packages)
	$(GO) test -tags frontends -count 1 ./dbusapi/examples
