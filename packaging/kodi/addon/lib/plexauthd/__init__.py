# SPDX-License-Identifier: Apache-2.0
"""Plex sign-in: see api.py for what other add-ons use of it."""
