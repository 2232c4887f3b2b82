SUMMARY = "Plex sign-in for a TV box, as a D-Bus service"
HOMEPAGE = "https://github.com/retune-tv/plexauthd"
# Also of the Go modules that are linked in, whose texts lie in packaging/licenses.
LICENSE = "Apache-2.0 & BSD-2-Clause & BSD-3-Clause & MIT"
LIC_FILES_CHKSUM = " \
    file://src/${GO_IMPORT}/LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/BurntSushi/toml/COPYING;md5=9e24c0e2a784c1d1fcabb279f4f107e0 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/cenkalti/backoff/v5/LICENSE;md5=1571d94433e3f3aa05267efd4dbea68b \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/coreos/go-systemd/v22/LICENSE;md5=19cbd64715b51267a47bf3750cc6a8a5 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/coreos/go-systemd/v22/NOTICE;md5=71fd50a7bd34670ef7cd3a7740046f77 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/go-jose/go-jose/v4/LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/go-jose/go-jose/v4/json/LICENSE;md5=591778525c869cdde0ab5a1bf283cd81 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/godbus/dbus/v5/LICENSE;md5=09042bd5c6c96a2b9e45ddf1bc517eed \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/google/renameio/v2/LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/google/uuid/LICENSE;md5=88073b6dd8ec00fe09da59e0b6dfded1 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/jonboulle/clockwork/LICENSE;md5=136e4f49dbf29942c572a3a8f6e88a77 \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/mdp/qrterminal/v3/LICENSE;md5=ee656f80d6023d154a28c19f3139094d \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/spf13/cobra/LICENSE.txt;md5=920d76114a32b0fb75b3f2718c5a91be \
    file://src/${GO_IMPORT}/packaging/licenses/github.com/spf13/pflag/LICENSE;md5=1e8b7dc8b906737639131047a590f21d \
    file://src/${GO_IMPORT}/packaging/licenses/go/LICENSE;md5=7998cb338f82d15c0eff93b7004d272a \
    file://src/${GO_IMPORT}/packaging/licenses/golang.org/x/sys/LICENSE;md5=7998cb338f82d15c0eff93b7004d272a \
    file://src/${GO_IMPORT}/packaging/licenses/golang.org/x/term/LICENSE;md5=7998cb338f82d15c0eff93b7004d272a \
    file://src/${GO_IMPORT}/packaging/licenses/rsc.io/qr/LICENSE;md5=5d4950ecb7b26d2c5e4e7b4e0dd74707 \
"

# SRCREV is a commit of this version that is on the main branch; name the one that you
# ship.
#
# The modules are fetched while compiling, for which the task gets a network. To
# build without one, run "go mod vendor" in the sources, commit vendor/ to a
# branch or mirror of yours, name that here, and delete the line with [network].
SRC_URI = "git://github.com/retune-tv/plexauthd;protocol=https;branch=main;destsuffix=${GO_SRCURI_DESTSUFFIX}"
SRCREV = "918c6936b14967572f095fd0823983151302d1d5"
do_compile[network] = "1"

GO_IMPORT = "github.com/retune-tv/plexauthd"
GO_INSTALL = "${GO_IMPORT}/cmd/plexauthd ${GO_IMPORT}/cmd/plexauthctl"
GO_EXTRA_LDFLAGS = "-checklinkname=0 -X main.version=${PV}"
GOBUILDFLAGS:append = " -tags nethttpomithttp2,noforcedgc"
CGO_ENABLED = "0"
# Both link against or as shared objects, which takes cgo on many machines.
GO_LINKSHARED = ""
GOBUILDFLAGS:remove = "-buildmode=pie"

inherit go-mod systemd useradd features_check

REQUIRED_DISTRO_FEATURES = "systemd"

SYSTEMD_SERVICE:${PN} = "plexauthd.service"
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system plexauth"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home --home-dir / --shell /bin/false plexauthd"

RDEPENDS:${PN} = "dbus ca-certificates"
FILES:${PN} += "${systemd_system_unitdir} ${nonarch_libdir}/sysusers.d ${nonarch_libdir}/systemd/catalog ${datadir}/dbus-1 ${datadir}/polkit-1"
CONFFILES:${PN} = "${sysconfdir}/plexauthd/config.toml"

do_install() {
    install -D -m 0755 ${B}/${GO_BUILD_BINDIR}/plexauthd ${D}${sbindir}/plexauthd
    install -D -m 0755 ${B}/${GO_BUILD_BINDIR}/plexauthctl ${D}${bindir}/plexauthctl
    oe_runmake -C ${S}/src/${GO_IMPORT} DESTDIR=${D} \
        prefix=${prefix} sbindir=${sbindir} sysconfdir=${sysconfdir} \
        unitdir=${systemd_system_unitdir} sysusersdir=${nonarch_libdir}/sysusers.d \
        catalogdir=${nonarch_libdir}/systemd/catalog \
        install-service ${@bb.utils.contains('DISTRO_FEATURES', 'polkit', 'install-polkit', '', d)}
}
