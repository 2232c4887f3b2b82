# make box-root SUITE=trixie  a root directory of another Debian release, kept
#                  outside the tree; LIST names what is in it
# make fresh-test  make test in a root with nothing but Go, make and git, which
#                  must leave it as it was
# All need root and the Debian package mmdebstrap; see root.sh and enter.sh.

SUITE ?= trixie
LIST  ?= box

.PHONY: box-root fresh-test
box-root:
	@sh packaging/roots/root.sh '$(SUITE)' '$(LIST)'

fresh-test:
	root=$$(sh packaging/roots/root.sh bookworm fresh) && \
		sh packaging/roots/enter.sh "$$root" sh packaging/roots/fresh-test.sh
