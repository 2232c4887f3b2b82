# SPDX-License-Identifier: Apache-2.0
"""Tests of the add-on without Kodi: python3 -m unittest discover packaging/kodi.
What needs Kodi is tested in a real one, by kodi_test.go."""
import pathlib
import sys

ADDON = pathlib.Path(__file__).resolve().parent.parent / "addon"
sys.path.insert(0, str(ADDON / "lib"))
