SUMMARY = "Plex sign-in for a TV box, as a D-Bus service"
HOMEPAGE = "https://github.com/retune-tv/plexauthd"
# Also of the Go modules that are linked in, whose texts lie in packaging/licenses.
LICENSE = "Apache-2.0 & BSD-2-Clause & BSD-3-Clause & MIT"
LIC_FILES_CHKSUM = "file://src/${GO_IMPORT}/LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# SRCREV is a commit of this version; name the one that you ship.
#
# The modules are fetched while compiling, for which the task gets a network. To
# build without one, run "go mod vendor" in the sources, commit vendor/ to a
# branch or mirror of yours, name that here, and delete the line with [network].
SRC_URI = "git://github.com/retune-tv/plexauthd;protocol=https;branch=main;destsuffix=${GO_SRCURI_DESTSUFFIX}"
SRCREV = "0000000000000000000000000000000000000000"
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
