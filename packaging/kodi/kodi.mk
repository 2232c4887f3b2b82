# make kodi       the Kodi add-on as a zip into dist/, the same bytes each time
# make kodi-test  drives a real Kodi with it, on a screen of its own; needs the
#                 Debian packages kodi, xvfb, imagemagick, zbar-tools, python3-jeepney

kodi_zip := dist/script.plexauthd-$(VERSION).zip

.PHONY: kodi kodi-test
kodi:
	mkdir -p dist
	rm -f dist/script.plexauthd-*.zip
	python3 packaging/kodi/build.py '$(VERSION)' $(kodi_zip)

kodi-test: kodi bin/plexauthd
	/usr/bin/python3 -m unittest discover -t packaging/kodi -s packaging/kodi/tests
	python3 packaging/kodi/build.py '$(VERSION)' dist/kodi-again.zip
	cmp $(kodi_zip) dist/kodi-again.zip
	$(GO) test -tags kodi -count 1 -timeout 10m ./packaging/kodi
