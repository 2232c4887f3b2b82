#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What somebody does first: make test, in a root directory that has never seen this
# project; see enter.sh. Afterwards the root must be as the command has found it,
# but for the packages that it has installed.
set -eu

sh packaging/test-packages.sh
sh packaging/unchanged.sh before /run/unchanged
make test
sh packaging/unchanged.sh after /run/unchanged
