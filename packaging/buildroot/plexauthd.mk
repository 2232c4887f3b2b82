################################################################################
#
# plexauthd
#
################################################################################

# The sources are next to this package's directory; run "go mod vendor" in them,
# because Buildroot builds Go without a network.
#
# PLEXAUTHD_VERSION would be "custom": that is what Buildroot calls local sources.
PLEXAUTHD_RELEASE = 0.1.0
PLEXAUTHD_SITE = $(PLEXAUTHD_PKGDIR)/../..
PLEXAUTHD_SITE_METHOD = local
# Also of the Go modules that are linked in, whose texts lie in packaging/licenses.
PLEXAUTHD_LICENSE = Apache-2.0, BSD-2-Clause, BSD-3-Clause, MIT
PLEXAUTHD_LICENSE_FILES = \
	LICENSE \
	packaging/licenses/github.com/BurntSushi/toml/COPYING \
	packaging/licenses/github.com/cenkalti/backoff/v5/LICENSE \
	packaging/licenses/github.com/coreos/go-systemd/v22/LICENSE \
	packaging/licenses/github.com/coreos/go-systemd/v22/NOTICE \
	packaging/licenses/github.com/go-jose/go-jose/v4/LICENSE \
	packaging/licenses/github.com/go-jose/go-jose/v4/json/LICENSE \
	packaging/licenses/github.com/godbus/dbus/v5/LICENSE \
	packaging/licenses/github.com/google/renameio/v2/LICENSE \
	packaging/licenses/github.com/google/uuid/LICENSE \
	packaging/licenses/github.com/jonboulle/clockwork/LICENSE \
	packaging/licenses/github.com/mdp/qrterminal/v3/LICENSE \
	packaging/licenses/github.com/spf13/cobra/LICENSE.txt \
	packaging/licenses/github.com/spf13/pflag/LICENSE \
	packaging/licenses/go/LICENSE \
	packaging/licenses/golang.org/x/sys/LICENSE \
	packaging/licenses/golang.org/x/term/LICENSE \
	packaging/licenses/rsc.io/qr/LICENSE
PLEXAUTHD_DEPENDENCIES = ca-certificates

PLEXAUTHD_GOMOD = github.com/retune-tv/plexauthd
PLEXAUTHD_GO_ENV = CGO_ENABLED=0
PLEXAUTHD_TAGS = nethttpomithttp2 noforcedgc
PLEXAUTHD_LDFLAGS = -checklinkname=0 -X main.version=$(PLEXAUTHD_RELEASE)
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
