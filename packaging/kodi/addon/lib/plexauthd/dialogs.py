"""Questions to the person, in Kodi's own dialogs."""
import xbmcgui

_NAME = "Plex"


class Dialogs:
    def __init__(self, texts, icon):
        self._texts, self._icon = texts, icon

    def confirm(self, key):
        return xbmcgui.Dialog().yesno(_NAME, self._texts(key))

    def choose(self, users):
        """One of the users, or None."""
        items = []
        for user in users:
            item = xbmcgui.ListItem(user.title)
            item.setArt({"icon": user.thumb or "DefaultUser.png"})
            items.append(item)
        chosen = xbmcgui.Dialog().select(self._texts("choose_user"), items, useDetails=True)
        return users[chosen] if chosen >= 0 else None

    def ask_pin(self, user):
        """The user's PIN as typed, never shown, or None."""
        return xbmcgui.Dialog().numeric(0, self._texts("user_pin", user.title), bHiddenInput=True) or None

    def tell(self, key, *values):
        """A notice that goes away by itself."""
        xbmcgui.Dialog().notification(_NAME, self._texts(key, *values), self._icon)
