# SPDX-License-Identifier: Apache-2.0
# make install  put everything in place; DESTDIR, prefix and the directories
#               below as in the GNU coding standards, POLKIT=no leaves polkit out
# make deb      Debian packages for $(DEB_ARCHES) into dist/, without root
# make deb-check  builds them twice and compares, and asks lintian
# make size-check  how large plexauthd is for each architecture; fails above the bar
# make arch-test  a sign-in with the programs of each architecture, emulated
# make box-test tests on a booted systemd with the package installed, as root;
#               BOX_ROOT=DIR boots copies of DIR, not of this machine's own root
# make box-test-trixie, make box-test-sid  in roots of these Debian releases

prefix     ?= /usr
bindir     ?= $(prefix)/bin
sbindir    ?= $(prefix)/sbin
datadir    ?= $(prefix)/share
mandir     ?= $(datadir)/man
docdir     ?= $(datadir)/doc/plexauthd
sysconfdir ?= /etc
# These are where the service manager, the bus and polkit look, whatever the prefix.
unitdir         ?= /usr/lib/systemd/system
sysusersdir     ?= /usr/lib/sysusers.d
catalogdir      ?= /usr/lib/systemd/catalog
dbusdatadir     ?= /usr/share/dbus-1
polkitactiondir ?= /usr/share/polkit-1/actions
bashdir         ?= $(datadir)/bash-completion/completions
zshdir          ?= $(datadir)/zsh/site-functions
fishdir         ?= $(datadir)/fish/vendor_completions.d
POLKIT          ?= yes

DEB_ARCHES   ?= amd64 arm64 armhf
DEB_REVISION ?= 1
HOST_ARCH     = $(shell dpkg --print-architecture)
# The newest release that needs no module from outside the module proxy.
NFPM ?= github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# Every build of one commit is the same, byte for byte.
SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),$(shell date -r go.mod +%s))
export SOURCE_DATE_EPOCH

BINARIES    ?= bin
COMPLETIONS := dist/completions
completions := $(addprefix $(COMPLETIONS)/,bash zsh fish)
# -n leaves name and time out of the compressed file.
GZIP := gzip -9n
INSTALL_DATA    ?= install -D -m 0644
INSTALL_PROGRAM ?= install -D -m 0755

.PHONY: install install-programs install-service install-polkit install-docs deb deb-check box-test

install: install-programs install-service install-docs $(if $(filter yes,$(POLKIT)),install-polkit)

# Made beforehand, so that "sudo make install" needs no Go.
all: $(completions)

install-programs: $(BINARIES)/plexauthd $(BINARIES)/plexauthctl $(completions)
	$(INSTALL_PROGRAM) $(BINARIES)/plexauthd $(DESTDIR)$(sbindir)/plexauthd
	$(INSTALL_PROGRAM) $(BINARIES)/plexauthctl $(DESTDIR)$(bindir)/plexauthctl
	$(INSTALL_DATA) $(COMPLETIONS)/bash $(DESTDIR)$(bashdir)/plexauthctl
	$(INSTALL_DATA) $(COMPLETIONS)/zsh $(DESTDIR)$(zshdir)/_plexauthctl
	$(INSTALL_DATA) $(COMPLETIONS)/fish $(DESTDIR)$(fishdir)/plexauthctl.fish

install-service:
	sed 's|/usr/sbin/plexauthd|$(sbindir)/plexauthd|' packaging/systemd/plexauthd.service | \
		$(INSTALL_DATA) /dev/stdin $(DESTDIR)$(unitdir)/plexauthd.service
	$(INSTALL_DATA) packaging/systemd/plexauthd.catalog $(DESTDIR)$(catalogdir)/plexauthd.catalog
	$(INSTALL_DATA) packaging/sysusers.d/plexauthd.conf $(DESTDIR)$(sysusersdir)/plexauthd.conf
	$(INSTALL_DATA) packaging/dbus-1/system.d/tv.retune.PlexAuth1.conf \
		$(DESTDIR)$(dbusdatadir)/system.d/tv.retune.PlexAuth1.conf
	$(INSTALL_DATA) packaging/dbus-1/system-services/tv.retune.PlexAuth1.service \
		$(DESTDIR)$(dbusdatadir)/system-services/tv.retune.PlexAuth1.service
	$(INSTALL_DATA) dbusapi/names/tv.retune.PlexAuth1.xml \
		$(DESTDIR)$(dbusdatadir)/interfaces/tv.retune.PlexAuth1.xml
	test -e $(DESTDIR)$(sysconfdir)/plexauthd/config.toml || \
		$(INSTALL_DATA) packaging/config.toml $(DESTDIR)$(sysconfdir)/plexauthd/config.toml

install-polkit:
	$(INSTALL_DATA) packaging/dbus-1/system.d/tv.retune.PlexAuth1.polkit.conf \
		$(DESTDIR)$(dbusdatadir)/system.d/tv.retune.PlexAuth1.polkit.conf
	$(INSTALL_DATA) packaging/polkit/tv.retune.PlexAuth1.policy \
		$(DESTDIR)$(polkitactiondir)/tv.retune.PlexAuth1.policy
	$(INSTALL_DATA) packaging/polkit/examples/50-plexauthd-kiosk.rules \
		$(DESTDIR)$(docdir)/examples/50-plexauthd-kiosk.rules
	$(INSTALL_DATA) packaging/polkit/examples/50-plexauthd-kiosk.pkla \
		$(DESTDIR)$(docdir)/examples/50-plexauthd-kiosk.pkla

# The pages are installed next to the examples; the other sources are not there.
pages := $(addprefix docs/,INTEGRATORS.md JOURNAL.md FRONTENDS.md) packaging/kodi/README.md
links := s|](\.\./dbusapi/examples/|](examples/|g;s|](\.\./packaging/kodi|](kodi|g;s|](\.\./|](https://github.com/retune-tv/plexauthd/blob/HEAD/|g

install-docs:
	for page in $(pages); do sed '$(links)' $$page | \
		$(INSTALL_DATA) /dev/stdin $(DESTDIR)$(docdir)/$${page#*/} || exit; done
	$(INSTALL_DATA) packaging/kodi/screenshot.png $(DESTDIR)$(docdir)/kodi/screenshot.png
	$(INSTALL_DATA) packaging/systemd/examples/sealed.conf $(DESTDIR)$(docdir)/examples/sealed.conf
	$(INSTALL_DATA) packaging/systemd/examples/plexauthd-seal.service $(DESTDIR)$(docdir)/examples/plexauthd-seal.service
	$(INSTALL_DATA) packaging/man/plexauthd.8 $(DESTDIR)$(mandir)/man8/plexauthd.8
	$(INSTALL_DATA) packaging/man/plexauthctl.1 $(DESTDIR)$(mandir)/man1/plexauthctl.1
	$(INSTALL_DATA) packaging/man/plexauthd.toml.5 $(DESTDIR)$(mandir)/man5/plexauthd.toml.5

# Written by the machine that builds, whatever it builds for.
$(COMPLETIONS)/%: $(SOURCES)
	@mkdir -p $(@D)
	GOOS= GOARCH= GOARM= $(GO) run ./cmd/plexauthctl completion $* > $@.new
	mv $@.new $@

GO_ARCH_amd64 := GOARCH=amd64 GOAMD64=v1
GO_ARCH_arm64 := GOARCH=arm64 GOARM64=v8.0
# Raspberry Pi OS runs its armhf on the ARMv6 of the Pi 1 and Zero, too.
GO_ARCH_armhf := GOARCH=arm GOARM=6

%-amd64 %-x86_64: FUNCALIGN := $(FUNCALIGN_amd64)
%-arm64 %-armhf %-aarch64 %-arm: FUNCALIGN :=

deb_of = plexauthd_$(VERSION)-$(DEB_REVISION)_$(1).deb
debs  := $(foreach arch,$(DEB_ARCHES),$(call deb_of,$(arch)))

deb: $(addprefix deb-,$(DEB_ARCHES))

deb-%:
	rm -rf dist/$*
	$(GO_ARCH_$*) GOOS=linux $(BUILD) -o dist/$*/plexauthd ./cmd/plexauthd
	$(GO_ARCH_$*) GOOS=linux $(BUILD) -o dist/$*/plexauthctl ./cmd/plexauthctl
	$(MAKE) install BINARIES=dist/$* DESTDIR=$(CURDIR)/dist/$*/root POLKIT=yes
	$(MAKE) deb-docs DESTDIR=$(CURDIR)/dist/$*/root
	ROOT=dist/$*/root ARCH=$* VERSION='$(VERSION)' REVISION='$(DEB_REVISION)' \
		$(GO) run $(NFPM) package --config packaging/deb/nfpm.yaml --packager deb --target dist/

# What Debian wants in addition to what make install puts.
deb_doc  := /usr/share/doc/plexauthd
.PHONY: deb-docs
deb-docs:
	find $(DESTDIR)$(mandir) -type f -exec $(GZIP) {} +
	$(INSTALL_DATA) packaging/deb/copyright $(DESTDIR)$(deb_doc)/copyright
	$(INSTALL_DATA) packaging/deb/lintian-overrides $(DESTDIR)/usr/share/lintian/overrides/plexauthd
	printf 'plexauthd (%s-%s) stable; urgency=medium\n\n  * Release %s.\n\n -- %s  %s\n' \
		'$(VERSION)' '$(DEB_REVISION)' '$(VERSION)' 'Retune <packages@retune.tv>' \
		"$$(LC_ALL=C date -u -R -d @$(SOURCE_DATE_EPOCH))" | $(GZIP) | \
		$(INSTALL_DATA) /dev/stdin $(DESTDIR)$(deb_doc)/changelog.Debian.gz

# The same again must give the same bytes, and lintian has nothing to object to.
deb-check: deb
	cd dist && sha256sum $(debs) > SHA256SUMS
	$(MAKE) deb
	cd dist && sha256sum --check SHA256SUMS
	lintian --fail-on error,warning --allow-root $(addprefix dist/,$(debs))

.PHONY: size-check
size-check: $(addprefix size-check-,$(DEB_ARCHES))

size-check-%:
	@$(GO_ARCH_$*) GOOS=linux $(BUILD) -o bin/size/$* ./cmd/plexauthd
	@GO='$(GO)' sh packaging/size-check.sh $* bin/size/$*

# The oldest processor that runs an architecture, where this machine is another.
EMULATOR_amd64 := qemu-x86_64
EMULATOR_arm64 := qemu-aarch64 -cpu cortex-a53
EMULATOR_armhf := qemu-arm -cpu arm1176

.PHONY: arch-test
arch-test: $(addprefix arch-test-,$(DEB_ARCHES))

arch-test-%:
	@sh packaging/test-packages.sh qemu-user
	rm -rf dist/arch/$*
	mkdir -p dist/arch/$*
	$(GO_ARCH_$*) GOOS=linux $(BUILD) -o dist/arch/$*/ ./cmd/plexauthd ./cmd/plexauthctl ./cmd/plextv-sim
	sh packaging/arch-test.sh dist/arch/$* $(if $(filter $*,$(HOST_ARCH)),,$(EMULATOR_$*))

# Boxes are copies of BOX_ROOT, or of a root of another release, which is made.
.PHONY: box-files
box-files: deb-$(HOST_ARCH)
	rm -rf dist/box
	$(BUILD) -o dist/box/plextv-sim ./cmd/plextv-sim
	$(BUILD) -tags rig -o dist/box/probe ./packaging/boxtest/probe
	cp dist/$(call deb_of,$(HOST_ARCH)) dist/box/plexauthd.deb

BOX_ROOT ?= /
box_test  = $(GO) test -tags rig -count 1 -timeout 20m $(BOX_FLAGS) ./packaging/boxtest -args -root
box-test: box-files
	$(box_test) '$(abspath $(BOX_ROOT))'

box-test-%: box-files
	root=$$(sh packaging/roots/root.sh $* box) && $(box_test) "$$root"
