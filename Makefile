# SPDX-License-Identifier: Apache-2.0
# make         build the programs into bin/
# make test    everything that needs no second machine; as root also what needs other users
# make torture the power cut while the state is saved, CUTS times; as root
# make fleet   10,000 boxes at one plex.tv: when do they renew their tokens, how often
#              do they ask, do they live through an hour in which it refuses everybody?
# make fuzz    every fuzz target for FUZZTIME (10m); FUZZ=part of a name for some
# make soak    a thousand years of a box; YEARS=n for others, SEED=n to begin elsewhere
# make soak-hour  an hour of the real daemon under load: does it grow? MINUTES=n for others
# make model   random lives of the daemon, compared with a model, CHECKS in each mode
# make sim-test  clients that others wrote, against plextv-sim; needs node, npm
# make storm   changes as fast as they go, with 200 listeners and one that reads nothing; as root
# make demo    the whole job once, on a private bus
# make mock    daemon and simulated plex.tv for people who draw a screen, until q
# make bench   how fast and how small, compared with services in C, Python and Go; a few minutes
# make licenses, make pin  what distributions are told, when a module or the release changes
# make go-test  what another Go can break: GOTOOLCHAIN=go1.27.3 make go-test
# make check   gofmt, vet, staticcheck, govulncheck
# make install, make deb: see packaging/install.mk
# make box-root, make fresh-test: see packaging/roots/roots.mk
# make kodi    the Kodi add-on: see packaging/kodi/kodi.mk
# make libreelec  the service for LibreELEC: see packaging/libreelec/libreelec.mk
# make docs, make frontend-test, make ts-test: see dbusapi/examples/examples.mk

GO      ?= go
VERSION ?= 0.1.0
# Without HTTP/2, which plex.tv's API does not need, and without the Go runtime's
# periodic collections, which wake an idle box, and root certificates kept in memory;
# that needs -checklinkname=0.
TAGS    := nethttpomithttp2,noforcedgc
LDFLAGS  = -s -w -buildid= -checklinkname=0 $(FUNCALIGN) -X main.version=$(VERSION) $(MORE_LDFLAGS)
# Functions are inlined only where it matters for speed, in the runtime and in
# cryptography: that saves 500 KiB of plexauthd.
INLINED := runtime/... internal/... sync/... math/bits crypto/internal/...
GCFLAGS := -gcflags=all=-l $(INLINED:%=-gcflags=%=)
# Functions for amd64 begin at any byte, not every 32: 160 KiB less.
FUNCALIGN_amd64 := -funcalign=1
FUNCALIGN       := $(FUNCALIGN_$(or $(GOARCH),$(shell $(GO) env GOARCH)))
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS)$(MORE_TAGS) $(GCFLAGS) -ldflags '$(LDFLAGS)'

PROGRAMS := bin/plexauthd bin/plexauthctl bin/plextv-sim
SOURCES  := $(shell find auth daemon dbusapi systemd cmd -name '*.go' -o -name '*.xml') go.mod go.sum

# What tests are built with: root acts as other users, rig has an apparatus of its own,
# which a target prepares, soak takes long.
ALL_TAGS := root,rig,soak,noforcedgc
# Tests that act as other users need root; make test adds them where they can run.
ROOT_TAG := $(if $(filter 0,$(shell id -u)),-tags root)

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: all print-build test sim-test storm fuzz model fleet soak soak-hour torture demo mock bench size go-test licenses pin check clean
all: $(PROGRAMS)

bin/%: $(SOURCES)
	$(BUILD) -o $@ ./cmd/$*

# For tests that call more often than people do: callers may have plex.tv asked as often
# as they like.
bin/unpaced/%: MORE_LDFLAGS += -X main.pace=none
bin/unpaced/%: $(SOURCES)
	$(BUILD) -o $@ ./cmd/$*

# For tests that build a program as it is released; MORE_TAGS begin with a comma.
print-build:
	@printf '%s\n' "$(BUILD)"

test:
	@sh packaging/test-packages.sh
	@# -count=1: the tests that build and run the programs must not be answered from the
	@# cache. -shuffle=on: no test may need another to have run before; it prints the seed.
	@# -parallel 4: tests that run at the same time mostly wait.
	$(GO) test -race -count=1 -shuffle=on -parallel 4 $(ROOT_TAG) ./...
	$(GO) test -count=1 -tags $(TAGS) -ldflags -checklinkname=0 -run Runtime ./auth/plextv ./daemon

FUZZTIME ?= 10m
fuzz:
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' FUZZ='$(FUZZ)' sh packaging/fuzz.sh

# Without the race detector, which 10,000 accounts would wait for too long; make
# test has it look at the same code.
fleet:
	GOGC=200 $(GO) test -count=1 -tags soak -run 'Fleet|Launch' -v ./auth/soak

YEARS ?= 1000
SEED  ?= 1
soak:
	$(GO) test -count=1 -timeout 0 -run TestYears -v ./auth/soak -years $(YEARS) -seed $(SEED)

MINUTES ?= 60
soak-hour:
	@sh packaging/test-packages.sh
	$(GO) test -count=1 -tags soak -timeout 0 -v ./daemon/soak -args -for $(MINUTES)m

CUTS ?= 1000

torture:
	@sh packaging/test-packages.sh e2fsprogs btrfs-progs
	$(GO) test -count=1 -v -tags rig -timeout 30m ./daemon/powercut -args -cuts $(CUTS)

sim-test: bin/plextv-sim
	@command -v npm >/dev/null || sh packaging/test-packages.sh nodejs npm
	cd auth/plextvsim/clients && npm ci --ignore-scripts --no-audit --no-fund
	cd auth/plextvsim/clients && PLEXTV_SIM='$(CURDIR)/bin/plextv-sim' $(GO) test -race -count=1 ./...

storm:
	@sh packaging/test-packages.sh dbus-broker
	$(GO) test -count=1 -v -tags rig -run 'Storm|StopsReading' ./daemon/e2e

CHECKS ?= 100
# A life mostly waits, so many go on at the same time.
LANES := 8
model:
	$(GO) test -race -count=1 -timeout 0 -parallel 64 -run TestLife -v ./daemon/e2e \
		-lanes $(LANES) -rapid.checks $$((($(CHECKS) + $(LANES) - 1) / $(LANES))) -rapid.seed 0

demo: $(PROGRAMS)
	sh packaging/demo.sh

mock: $(PROGRAMS)
	$(if $(DBUS_SESSION_BUS_ADDRESS),,dbus-run-session --) bin/plextv-sim mock

# BENCH=-quick has one short round of everything: does it all still work?
bench: bin/plexauthd bin/unpaced/plexauthd
	@sh packaging/test-packages.sh libglib2.0-dev python3-dbus python3-gi
	@$(GO) test -c -tags rig -o bin/bench.test ./daemon/bench
	@cd daemon/bench && ../../bin/bench.test -test.timeout 20m $(BENCH)

# size writes what each module adds to plexauthd into daemon/bench/SIZE.md.
size:
	$(GO) test -count=1 -tags rig -run TestSizeList ./daemon/bench -args -update

# With its symbols, to see what takes how much.
bin/symbols/%: $(SOURCES)
	GOOS=linux GOARCH=amd64 $(subst -s -w,,$(BUILD)) -o $@ ./cmd/$*

bin/symbols/%: FUNCALIGN := $(FUNCALIGN_amd64)

# What another Go can break, without what takes long: make test has the rest.
go-test: size-check
	$(GO) vet ./...
	$(GO) test -count=1 ./auth ./auth/devicekey ./auth/plextv ./auth/statefile ./daemon/config ./dbusapi/... ./systemd
	$(GO) test -count=1 -tags $(TAGS) -ldflags -checklinkname=0 -run Runtime ./auth/plextv ./daemon

# Every source file names its licence, but those whose form others prescribe.
LICENCE  := SPDX-License-Identifier: Apache-2.0
LICENSED := '*.go' '*.cjs' '*.mjs' '*.ts' '*.mts' '*.py' '*.sh' '*.mk' '*.c' '*.h' '*.cpp' '*.js' '*.qml' '*.pro' '*.[1-8]' Makefile .ci/run \
	findings/debian 'packaging/deb/p*' ':!packaging/buildroot' ':!*/testdata/*'

check: bin/tools/staticcheck bin/tools/govulncheck
	$(GO) mod tidy -diff
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	@! git grep -L '$(LICENCE)' -- $(LICENSED) | sed 's/$$/: begins without $(LICENCE)/' | grep .
	$(GO) vet ./...
	$(GO) vet -tags $(ALL_TAGS) ./...
	@# Boxes with 32 bits: tests too must build there.
	GOARCH=arm $(GO) vet ./...
	bin/tools/staticcheck -tags $(ALL_TAGS) ./...
	@# Status 3 is a finding; anything else means that the vulnerability data is out of reach.
	bin/tools/govulncheck ./... || { [ $$? -ne 3 ] && echo "govulncheck could not ask: nothing was checked"; }

bin/tools/staticcheck:
	GOBIN=$(CURDIR)/bin/tools $(GO) install $(STATICCHECK)

bin/tools/govulncheck:
	GOBIN=$(CURDIR)/bin/tools $(GO) install $(GOVULNCHECK)

# licenses writes the license texts of what is linked in, and the files that name them.
licenses:
	$(GO) test -count=1 ./packaging -args -update

# pin has the Yocto recipe build this commit: after a release.
pin:
	$(GO) test -count=1 -run Yocto ./packaging -args -pin

clean:
	rm -rf bin dist

-include packaging/install.mk
-include packaging/roots/roots.mk
-include packaging/kodi/kodi.mk
-include packaging/libreelec/libreelec.mk
-include dbusapi/examples/examples.mk
