# SPDX-License-Identifier: Apache-2.0
import sys
import types
import unittest
import xml.etree.ElementTree as ElementTree
from unittest import mock

from . import ADDON, fake
from plexauthd.flow import _BLANK

SCREEN = 1920, 1080
SAFE = 0.05  # a television may cut that off at each edge


class WindowXMLDialog:
    """Kodi's window, as far as ours uses it: notes what it is told."""

    def __init__(self):
        self.properties, self.percents = {}, []

    def setProperty(self, name, value):
        self.properties[name] = value

    def getControl(self, number):
        return types.SimpleNamespace(setPercent=self.percents.append)

    def getFocusId(self):
        return 21


def kodi():
    """The window's module, without Kodi."""
    names = ("ACTION_NAV_BACK", "ACTION_PREVIOUS_MENU", "ACTION_STOP")
    stub = types.SimpleNamespace(WindowXMLDialog=WindowXMLDialog, **{name: i for i, name in enumerate(names)})
    with mock.patch.dict(sys.modules, xbmcgui=stub):
        from plexauthd import window
    return window


class Countdown(unittest.TestCase):
    def test_the_bar_is_full_as_soon_as_the_window_is_there(self):
        view = _BLANK._replace(kind="code", pairing=fake.PAIRING)
        shown = kodi().Window()
        with mock.patch("time.time", return_value=1000):
            shown.render(view, lambda key, *values: key)
            self.assertEqual((shown.properties["time"], shown.percents), ("5:00", []))
            shown.onInit()
            shown.render(view, lambda key, *values: key)
            shown.render(view, lambda key, *values: key)
        self.assertEqual(shown.percents, [100.0])


class Overscan(unittest.TestCase):
    def test_nothing_but_the_backdrop_is_near_the_edge(self):
        skin = ADDON / "resources/skins/Default/1080i/script-plexauthd.xml"
        controls = ElementTree.parse(skin).getroot().find("controls")
        backdrop, *others = self.boxes(controls, 0, 0)
        self.assertEqual(backdrop, (0, 0) + SCREEN)
        self.assertGreater(len(others), 20)
        for left, top, right, bottom in others:
            with self.subTest(left=left, top=top, right=right, bottom=bottom):
                self.assertGreaterEqual(left, SAFE * SCREEN[0])
                self.assertGreaterEqual(top, SAFE * SCREEN[1])
                self.assertLessEqual(right, (1 - SAFE) * SCREEN[0])
                self.assertLessEqual(bottom, (1 - SAFE) * SCREEN[1])

    def boxes(self, controls, left, top):
        """Where each control is that draws something."""
        for control in controls.findall("control"):
            x, y = left + self.number(control, "left"), top + self.number(control, "top")
            if control.get("type") == "group":
                yield from self.boxes(control, x, y)
            else:
                yield x, y, x + self.number(control, "width"), y + self.number(control, "height")

    @staticmethod
    def number(control, name):
        return int(control.findtext(name, "0"))
