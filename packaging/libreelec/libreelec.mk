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
	$(GO) run ./packaging/libreelec/addonzip '$(VERSION)' dist/libreelec/$* $(call libreelec_of,$*)
