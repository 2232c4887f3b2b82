#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts jeepney, the pure-Python D-Bus library that the add-on speaks with, and
# its licence into a directory: vendor.sh DIRECTORY. Takes the installed one
# (Debian 12: python3-jeepney) or asks pip for it; whichever it is, every file
# must be the one that vendor/jeepney.sha256 names, so that every build of the
# add-on is the same. The licence lies here because Debian's package has only
# another wording of it; its sum is the one in jeepney's own wheel (RECORD). PYTHON
# names another interpreter than Debian's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
version=0.8.0
wheel=c0a454ad016ca575060802ee4d590dd912e35c122fa04e70306de3d076cce755
PYTHON=${PYTHON:-/usr/bin/python3}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# take FOLDER: copies jeepney from there if it is the right one.
take() {
	[ -d "$1/jeepney" ] || return 1
	rm -rf "$dest/jeepney"
	# Without its tests and the parts for other ways to wait than blocking.
	while read -r _ file; do
		mkdir -p "$dest/$(dirname "$file")"
		case $file in
		*/LICENSE) cp "$here/vendor/jeepney.LICENSE" "$dest/$file" ;;
		*) cp "$1/$file" "$dest/$file" || return 1 ;;
		esac
	done <"$here/vendor/jeepney.sha256"
	(cd "$dest" && sha256sum --quiet --strict --check "$here/vendor/jeepney.sha256" >&2)
}

installed=$("$PYTHON" -c 'import jeepney, os; print(os.path.dirname(os.path.dirname(jeepney.__file__)))' 2>/dev/null || :)
take "${installed:-/nowhere}" && exit 0

echo "jeepney==$version --hash=sha256:$wheel" >"$fresh/requirements"
"$PYTHON" -m pip install --quiet --no-deps --require-hashes --only-binary :all: \
	--target "$fresh/jeepney-$version" -r "$fresh/requirements" && take "$fresh/jeepney-$version" && exit 0

rm -rf "$dest/jeepney"
echo "vendor.sh: jeepney $version is needed: apt install python3-jeepney on Debian 12, or a pip that reaches its index" >&2
exit 1
