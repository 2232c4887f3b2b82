# SPDX-License-Identifier: Apache-2.0
# make box-root SUITE=trixie  a root directory of another Debian release, kept
#                  outside the tree; LIST names what is in it
# make fresh-test  make test in a root with nothing but Go, make and git, which
#                  must leave it as it was
# make transcripts-trixie  types the transcripts of README and manual there
# make kodi-test-trixie    drives the Kodi of that release
# All need root and the Debian package mmdebstrap; see root.sh and enter.sh.

SUITE ?= trixie
LIST  ?= box

.PHONY: box-root fresh-test
box-root:
	@sh packaging/roots/root.sh '$(SUITE)' '$(LIST)'

# $(call in,SUITE LIST) is what commands in a copy of such a root begin with.
in = root=$$(sh packaging/roots/root.sh $(1)) && sh packaging/roots/enter.sh "$$root"

# The oldest Debian release that is proven.
fresh-test:
	$(call in,bookworm fresh) sh packaging/roots/fresh-test.sh

transcripts-%:
	$(call in,$* transcripts) $(GO) test -count=1 -run 'Transcripts|Manual' ./daemon/e2e

# One add-on is for the Kodi of every release.
kodi-test-%: kodi
	tar c $(kodi_zip) | { $(call in,$* kodi) sh -ec 'tar x; make kodi-drive'; }
