# SPDX-License-Identifier: Apache-2.0
# make libreelec       service.plexauthd, the service as a Kodi add-on for LibreELEC
#                      and CoreELEC: a zip for each of $(LIBREELEC_ARCHES) into dist/,
#                      the same bytes each time
# make libreelec-test  installs and tries it on a booted root that is made as theirs
#                      are; as root

LIBREELEC_ARCHES ?= arm aarch64 x86_64

# The names are theirs. One Raspberry Pi without ARMv7 is among their boxes.
GO_LIBREELEC_arm     := GOARCH=arm GOARM=6
GO_LIBREELEC_aarch64 := GOARCH=arm64 GOARM64=v8.0
GO_LIBREELEC_x86_64  := GOARCH=amd64 GOAMD64=v1

libreelec_of   = dist/service.plexauthd-$(VERSION)-$(1).zip
libreelec_zips := $(foreach arch,$(LIBREELEC_ARCHES),$(call libreelec_of,$(arch)))

.PHONY: libreelec libreelec-test
libreelec: $(addprefix libreelec-for-,$(LIBREELEC_ARCHES))

libreelec-for-%:
	mkdir -p dist/libreelec/$*
	GOOS=linux $(GO_LIBREELEC_$*) $(BUILD) -o dist/libreelec/$*/ ./cmd/plexauthd ./cmd/plexauthctl
	GOOS= GOARCH= GOARM= $(GO) run ./packaging/libreelec/addonzip '$(VERSION)' dist/libreelec/$* $(call libreelec_of,$*)

# The architecture of this machine, by their names.
libreelec_host := $(patsubst armv%,arm,$(shell uname -m))

libreelec-test: kodi libreelec
	rm -rf dist/box
	mkdir -p dist/box
	cd dist && sha256sum $(notdir $(libreelec_zips)) > libreelec.sums
	$(MAKE) libreelec
	cd dist && sha256sum --check libreelec.sums
	$(MAKE) libreelec-for-$(libreelec_host) VERSION='$(VERSION).next'
	cp $(call libreelec_of,$(libreelec_host)) dist/box/service.zip
	mv dist/service.plexauthd-$(VERSION).next-$(libreelec_host).zip dist/box/next.zip
	cp $(kodi_zip) dist/box/script.zip
	root=$$(sh packaging/roots/root.sh sid libreelec) && \
		$(GO) test -tags rig -count 1 $(BOX_FLAGS) ./packaging/libreelec -args -root "$$root"
