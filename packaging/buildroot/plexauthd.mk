################################################################################
#
# plexauthd
#
################################################################################

# The sources lie beside this package's directory; run "go mod vendor" in them,
# because Buildroot builds Go without a network.
PLEXAUTHD_VERSION = 0.1.0
PLEXAUTHD_SITE = $(PLEXAUTHD_PKGDIR)/../..
PLEXAUTHD_SITE_METHOD = local
PLEXAUTHD_LICENSE = Apache-2.0
PLEXAUTHD_LICENSE_FILES = LICENSE
PLEXAUTHD_DEPENDENCIES = ca-certificates

PLEXAUTHD_GOMOD = github.com/retune-tv/plexauthd
PLEXAUTHD_GO_ENV = CGO_ENABLED=0
PLEXAUTHD_TAGS = nethttpomithttp2 noforcedgc
PLEXAUTHD_LDFLAGS = -checklinkname=0 -X main.version=$(PLEXAUTHD_VERSION)
PLEXAUTHD_BUILD_TARGETS = cmd/plexauthd cmd/plexauthctl

define PLEXAUTHD_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/plexauthd $(TARGET_DIR)/usr/sbin/plexauthd
	$(INSTALL) -D -m 0755 $(@D)/bin/plexauthctl $(TARGET_DIR)/usr/bin/plexauthctl
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) DESTDIR=$(TARGET_DIR) \
		install-service $(if $(BR2_PACKAGE_POLKIT),install-polkit)
endef

# The service user, and the group that may call.
define PLEXAUTHD_USERS
	plexauthd -1 plexauthd -1 * - - - Plex sign-in for this box
	- -1 plexauth -1 * - - -
endef

$(eval $(golang-package))
