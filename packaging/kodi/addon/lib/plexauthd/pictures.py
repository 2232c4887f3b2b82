# SPDX-License-Identifier: Apache-2.0
"""The QR code on the screen, as files that Kodi can show."""
import glob
import os
import struct
import uuid

# The QR code's side on a screen of 1080 lines, as in the window's XML, and the
# modules, margin included, of the usual code.
_SIDE, _USUAL = 555, 37


class Pictures:
    """Keeps one picture in folder. Kodi remembers pictures by their path, so each
    has a name that was never there before."""

    def __init__(self, folder, lines):
        self._folder = folder
        self._side = _SIDE * lines // 1080
        self.usual_scale = self._scale(_USUAL)
        self.clear()

    def fitting_scale(self, png, scale):
        """The scale at which the code, here drawn at scale, needs no shrinking:
        Kodi's would make small modules unreadable."""
        width, = struct.unpack_from(">I", png, 16)
        return self._scale(width // scale)

    def _scale(self, modules):
        return min(max(self._side // modules, 1), 32)

    def keep(self, png):
        """Puts the picture into a file in place of the one before; returns its path."""
        self.clear()
        path = os.path.join(self._folder, "plexauthd-%s.png" % uuid.uuid4().hex)
        with open(path, "wb") as file:
            file.write(png)
        return path

    def clear(self):
        """Removes the picture, also one that a killed Kodi has left."""
        for path in glob.glob(os.path.join(glob.escape(self._folder), "plexauthd-*.png")):
            os.remove(path)
