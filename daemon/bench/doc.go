// SPDX-License-Identifier: Apache-2.0

// Package bench compares plexauthd with services that do the same in other ways:
// `make bench` writes tables and pictures. README.md tells how, and has the last ones.
//
// Its contenders answer the same call with the same nine headers from memory:
// services in C on sd-bus and on GDBus, in Python on dbus-python and on jeepney,
// and in Go on godbus. The caller, contenders/load.c, is one for all.
package bench
