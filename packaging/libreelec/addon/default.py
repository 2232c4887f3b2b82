# SPDX-License-Identifier: Apache-2.0
"""Kodi wants something to run. plexauthd itself is a service of systemd: this add-on
is one so that the system enables the unit in system.d."""
