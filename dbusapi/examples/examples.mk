# SPDX-License-Identifier: Apache-2.0
# make docs           the reference of the D-Bus interfaces into dist/docs, as a
#                     web page and as manual pages, from their XML
# make frontend-test  runs the example frontends with the daemon, and kills it
#                     under them a hundred times; makes docs too
# make ts             packs @retune/plexauth for npm into dist
# make ts-test        checks and tests it, with the daemon
# They install what they need, as root.
# make install        puts the examples next to the documentation, and the mock

interface_xml := dbusapi/names/tv.retune.PlexAuth1.xml
docbook       := /usr/share/xml/docbook/stylesheet/docbook-xsl
XSLTPROC      := xsltproc --nonet --novalid --xinclude

docs_packages     := libglib2.0-dev-bin xsltproc docbook-xsl man-db
frontend_packages := python3-jeepney gcc libc6-dev pkg-config libsystemd-dev gjs \
	g++ make qt6-base-dev qt6-base-dev-tools qt6-declarative-dev qml6-module-qtquick \
	qml6-module-qtquick-window qml6-module-qtqml-workerscript python3-dbusmock

.PHONY: docs frontend-test install-frontends
docs:
	@sh packaging/test-packages.sh $(docs_packages)
	rm -rf dist/docs
	mkdir -p dist/docs/parts
	@# The generator wants an argument's description on one line, and knows no lists.
	sed -E ':all;N;$$!b all;s/\n {8}([^ <@])/ \1/g;s/\n +\* /\n\n/g' $(interface_xml) > dist/docs/parts/interface.xml
	gdbus-codegen --output-directory dist/docs/parts --generate-docbook part dist/docs/parts/interface.xml
	sed -i '/^<!DOCTYPE/,/^]>/d;s|</refmeta>|<manvolnum>5</manvolnum><refmiscinfo class="manual">D-Bus interfaces</refmiscinfo><refmiscinfo class="source">plexauthd</refmiscinfo>&|;s|<refpurpose>|&Plex sign-in on D-Bus|' dist/docs/parts/part-*.xml
	sed -n '/<!--/,/-->/{/<!--/d;/-->/q;s/^  //;p}' $(interface_xml) > dist/docs/parts/opening
	cp dbusapi/examples/reference.xml dist/docs/parts
	$(XSLTPROC) -o dist/docs/tv.retune.PlexAuth1.html $(docbook)/xhtml5/docbook.xsl dist/docs/parts/reference.xml
	for part in dist/docs/parts/part-*.xml; do \
		$(XSLTPROC) -o dist/docs/ --stringparam man.authors.section.enabled 0 --stringparam refentry.meta.get.quietly 1 --stringparam man.output.quietly 1 $(docbook)/manpages/docbook.xsl $$part || exit; done
	rm -r dist/docs/parts

frontend-test: bin/unpaced/plexauthd docs
	@sh packaging/test-packages.sh $(frontend_packages)
	$(GO) test -tags rig -count 1 ./dbusapi/examples

ts_dir := dbusapi/examples/ts
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund

.PHONY: ts ts-test
ts:
	@command -v npm >/dev/null || sh packaging/test-packages.sh nodejs npm
	mkdir -p dist
	cd $(ts_dir) && $(NPM_CI) && npm run build && npm pack --pack-destination $(CURDIR)/dist

ts-test: ts bin/plexauthd bin/plextv-sim
	@sh packaging/test-packages.sh chromium
	cd $(ts_dir) && npx tsc --noEmit && npm run lint && npm test -- --testPathPattern="plex/auth" && npm test -- --testPathPattern="src/app"

shipped_examples := $(shell cd dbusapi/examples && \
	find python c gjs qml go -type f ! -name 'test_*' ! -name '*.pyc' | LC_ALL=C sort)

install: install-frontends
install-frontends:
	for file in $(shipped_examples); do \
		$(INSTALL_DATA) dbusapi/examples/$$file $(DESTDIR)$(docdir)/examples/$$file || exit; done
	$(INSTALL_DATA) dbusapi/examples/mock/plexauthd.py $(DESTDIR)$(datadir)/plexauthd/mock/plexauthd.py
