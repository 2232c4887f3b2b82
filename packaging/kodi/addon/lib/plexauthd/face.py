# SPDX-License-Identifier: Apache-2.0
"""How a View of flow.py looks: the properties that the window's XML shows. An
empty one hides what it is for."""

BUTTONS, TILES = 3, 4

# The characters that there are pictures of.
_DRAWN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

# Longer than this nobody types: plex.tv's long codes have 25 characters.
_TYPED = 8


def properties(view, texts):
    """The properties for a View, by name."""
    shown = {
        "kind": view.kind, "heading": texts("heading"), "title": texts(view.title), "text": texts(view.text),
        "name": view.name, "thumb": view.thumb, "initial": initial(view.name),
        "picture": view.picture, "scan": texts("scan") if view.picture else "",
    }
    for i in range(BUTTONS):
        shown["button%d" % (i + 1)] = texts(view.buttons[i][1]) if i < len(view.buttons) else ""
    shown.update(_code(view.pairing, texts))
    return shown


def _code(pairing, texts):
    code = pairing.code if pairing else ""
    typed = 0 < len(code) <= _TYPED
    tiled = len(code) == TILES and _DRAWN.issuperset(code)
    shown = {
        "go_to": texts("go_to") if typed else "",
        "link": pairing.link_uri.partition("://")[2] if typed else "",
        "enter": texts("enter") if typed else "",
        "code": code if typed and not tiled else "",
        "scan_only": texts("scan_only") if code and not typed else "",
        "left": texts("left") if code else "",
    }
    for i in range(TILES):
        shown["tile%d" % (i + 1)] = _glyph(code[i]) if tiled else ""
    return shown


def initial(name):
    """The picture of a name's first letter, below the skin's media; "" without one."""
    return _glyph(name[:1].upper())


def _glyph(character):
    return "glyphs/%s.png" % character if character in _DRAWN else ""


class Countdown:
    """The time that a code is still good for."""

    def __init__(self):
        self._id, self._whole = 0, 1

    def at(self, pairing, now):
        """The time as "4:05" and as percent of what it was when first asked for."""
        seconds = max(0, int(pairing.expires_at - now))
        if pairing.id != self._id:
            self._id, self._whole = pairing.id, max(1, seconds)
        return "%d:%02d" % divmod(seconds, 60), 100.0 * seconds / self._whole
