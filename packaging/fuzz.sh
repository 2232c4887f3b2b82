#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target there is for FUZZTIME, one after the other: go fuzzes one
# at a time. Stops at the first that fails, with the input that did it, which go
# leaves in the target's testdata for the test that it is from then on. What is
# found on the way stays in go's cache, and the next run begins with it. Run by
# make fuzz; FUZZ='part of a name' takes only those targets.
set -eu
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM

# Lines such as "./auth/statefile FuzzLoad".
targets=$(grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . |
	sed 's,/[^/]*:func , ,' | sort | grep "${FUZZ:-}") || {
	echo "fuzz: no target has ${FUZZ:-Fuzz} in its name" >&2
	exit 1
}

echo "$targets" | while read -r package target; do
	# What succeeds says so with its last count; go has no error for a target
	# that it does not find.
	if ! "${GO:-go}" test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10m}" -fuzzminimizetime 5s "$package" </dev/null >"$log" 2>&1 ||
		! count=$(grep -o 'execs: [0-9]*' "$log"); then
		cat "$log"
		echo "fuzz: $package $target failed" >&2
		exit 1
	fi
	echo "$package $target, $(echo "$count" | tail -n 1)"
done
