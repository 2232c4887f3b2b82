# SPDX-License-Identifier: Apache-2.0
"""Questions to the person, in Kodi's own dialogs."""
import os

import xbmcgui

from . import face

_NAME = "Plex"


class Dialogs:
    def __init__(self, texts, icon, media):
        """media is the folder of the skin's pictures."""
        self._texts, self._icon, self._media = texts, icon, media

    def confirm(self, key):
        return xbmcgui.Dialog().yesno(_NAME, self._texts(key))

    def choose(self, users):
        """One of the users, or None."""
        items = []
        for user in users:
            item = xbmcgui.ListItem(user.title, self._texts("protected" if user.protected else ""))
            initial = face.initial(user.title)
            # Without a thumb the skin shows the icon.
            item.setArt({"thumb": user.thumb, "icon": os.path.join(self._media, initial) if initial else "DefaultUser.png"})
            items.append(item)
        chosen = xbmcgui.Dialog().select(self._texts("choose_user"), items, useDetails=True)
        return users[chosen] if chosen >= 0 else None

    def ask_pin(self, user):
        """The user's PIN as typed, never shown, or None."""
        return xbmcgui.Dialog().numeric(0, self._texts("user_pin", user.title), bHiddenInput=True) or None

    def tell(self, key, *values):
        """A notice that goes away by itself."""
        xbmcgui.Dialog().notification(_NAME, self._texts(key, *values), self._icon)
