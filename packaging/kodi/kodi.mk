# SPDX-License-Identifier: Apache-2.0
# make kodi       the Kodi add-on as a zip into dist/, the same bytes each time
# make kodi-test  drives a real Kodi with it, on a screen of its own; needs the
#                 Debian packages kodi, xvfb, imagemagick, zbar-tools, python3-jeepney;
#                 leaves pictures of what Kodi showed in dist/kodi
# make kodi-screenshot  replaces packaging/kodi/screenshot.png, from one of its tests

kodi_zip := dist/script.plexauthd-$(VERSION).zip

.PHONY: kodi kodi-test kodi-drive kodi-screenshot
kodi:
	mkdir -p dist
	rm -f dist/script.plexauthd-*.zip
	python3 packaging/kodi/build.py '$(VERSION)' $(kodi_zip)

kodi-test: kodi
	python3 packaging/kodi/build.py '$(VERSION)' dist/kodi-again.zip
	cmp $(kodi_zip) dist/kodi-again.zip
	$(MAKE) kodi-drive

# With the add-on that lies in dist/.
kodi-drive: bin/unpaced/plexauthd
	/usr/bin/python3 -m unittest discover -t packaging/kodi -s packaging/kodi/tests
	$(GO) test -tags rig -count 1 -timeout 10m ./packaging/kodi

kodi-screenshot: kodi bin/unpaced/plexauthd
	$(GO) test -tags rig -count 1 -run 'TestSignIn$$' ./packaging/kodi
	convert dist/kodi/code-1080.png -resize 960x540 +dither -colors 64 -strip \
		-define png:exclude-chunks=date,time,tEXt PNG8:packaging/kodi/screenshot.png
