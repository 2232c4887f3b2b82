# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import struct
import tempfile
import unittest

from . import ADDON, fake
from plexauthd import face, pictures, publish, texts
from plexauthd.flow import _BLANK, _EXPLAINED


def key_texts(key, *values):
    return " ".join((key,) + values)


class Face(unittest.TestCase):
    def shown(self, **changes):
        return face.properties(_BLANK._replace(**changes), key_texts)

    def test_short_code(self):
        shown = self.shown(kind="code", pairing=fake.PAIRING, picture="p.png")
        self.assertEqual([shown["tile%d" % i] for i in (1, 2, 3, 4)],
                         ["glyphs/A.png", "glyphs/B.png", "glyphs/3.png", "glyphs/X.png"])
        self.assertEqual((shown["link"], shown["code"], shown["scan_only"], shown["scan"]),
                         ("plex.tv/link", "", "", "scan"))

    def test_other_codes(self):
        for code in ("AB3XY", "ab3x", "A-3X"):
            shown = self.shown(pairing=fake.PAIRING._replace(code=code))
            self.assertEqual((shown["code"], shown["tile1"]), (code, ""))
        shown = self.shown(pairing=fake.PAIRING._replace(code="v4ztc1rhmyh3kbyrmb3gxtqqu"))
        self.assertEqual((shown["code"], shown["link"], shown["scan_only"]), ("", "", "scan_only"))

    def test_what_is_gone_is_hidden(self):
        full = self.shown(kind="code", pairing=fake.PAIRING, picture="p", buttons=(("a", "b"),) * 3)
        blank = self.shown()
        self.assertEqual(full.keys(), blank.keys())
        self.assertEqual({name for name in blank if blank[name]}, {"kind", "heading"})

    def test_every_character_has_a_picture(self):
        for character in face._DRAWN:
            self.assertTrue((ADDON / "resources/skins/Default/media/glyphs" / (character + ".png")).is_file())

    def test_the_window_shows_what_there_is(self):
        xml = (ADDON / "resources/skins/Default/1080i/script-plexauthd.xml").read_text()
        self.assertEqual(set(re.findall(r"Window\.Property\((\w+)\)", xml)), set(self.shown()) | {"time"})

    def test_countdown(self):
        countdown = face.Countdown()
        self.assertEqual(countdown.at(fake.PAIRING, 1055.2), ("4:04", 100.0))
        self.assertEqual(countdown.at(fake.PAIRING, 1178), ("2:02", 50.0))
        self.assertEqual(countdown.at(fake.PAIRING, 9999), ("0:00", 0.0))
        self.assertEqual(countdown.at(fake.OTHER, 1290), ("0:10", 100.0))


class Publish(unittest.TestCase):
    def setUp(self):
        self.daemon, self.shown, self.writes = fake.Daemon(), {}, 0
        self.publisher = publish.Publisher(self.daemon, self.write)

    def write(self, name, value):
        self.shown[name], self.writes = value, self.writes + 1

    def test_follows(self):
        away = {"PlexAuth.State": "", "PlexAuth.Authenticated": "", "PlexAuth.User": "", "PlexAuth.Thumb": ""}
        self.assertEqual(self.shown, away)
        self.publisher.on_available(fake.SIGNED_IN)
        self.daemon.answer("user", {"title": "Ada", "thumb": "t"})
        there = {"PlexAuth.State": "signed-in", "PlexAuth.Authenticated": "true", "PlexAuth.User": "Ada", "PlexAuth.Thumb": "t"}
        self.assertEqual(self.shown, there)
        self.writes = 0
        self.publisher.on_changed(fake.SIGNED_IN)
        self.assertEqual(self.writes, 0, "written again without a change")
        self.publisher.on_gone("no-daemon")
        self.assertEqual(self.shown, away)

    def test_signs_out_and_may_not_know_who(self):
        self.publisher.on_available(fake.SIGNED_IN)
        self.daemon.answer("user", None, "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.shown["PlexAuth.User"], "")
        self.publisher.on_auth_changed(True, "user-switched")
        self.daemon.answer("user", {"title": "", "username": "Ben"})
        self.assertEqual(self.shown["PlexAuth.User"], "Ben")
        self.publisher.on_changed(fake.SIGNED_OUT)
        self.publisher.on_auth_changed(False, "signed-out")
        self.assertEqual((self.shown["PlexAuth.State"], self.shown["PlexAuth.Authenticated"], self.shown["PlexAuth.User"]),
                         ("signed-out", "", ""))


class Texts(unittest.TestCase):
    def translations(self, language):
        po = (ADDON / "resources/language" / ("resource.language." + language) / "strings.po").read_text()
        return {int(number): (english, own) for number, english, own in
                re.findall(r'msgctxt "#(\d+)"\nmsgid "(.*)"\nmsgstr "(.*)"\n', po)}

    def test_complete(self):
        english, german = self.translations("en_gb"), self.translations("de_de")
        self.assertEqual(set(english), set(texts.NUMBERS.values()))
        for number, (text, own) in german.items():
            self.assertEqual(text, english[number][0])
            self.assertTrue(own, text)
            self.assertEqual(text.count("%s"), own.count("%s"), text)
        self.assertEqual(set(german), set(english))

    def test_every_key_in_the_code_is_known(self):
        self.assertLessEqual(set(_EXPLAINED.values()), set(texts.NUMBERS))
        for path in (ADDON / "lib/plexauthd").glob("*.py"):
            for key in re.findall(r'(?:texts|dialogs\.tell)\("(\w+)"', path.read_text()):
                self.assertIn(key, texts.NUMBERS, path)

    def test_values(self):
        localized = texts.Texts({texts.NUMBERS["user_pin"]: "PIN of %s"}.get)
        self.assertEqual((localized("user_pin", "100 %"), localized("")), ("PIN of 100 %", ""))


class Pictures(unittest.TestCase):
    @staticmethod
    def png(width):
        return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">I", width)

    def test_one_file_with_a_new_name_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "plexauthd-left.png").touch()
            kept = pictures.Pictures(folder, 1080)
            first = kept.keep(b"1")
            second = kept.keep(b"2")
            self.assertNotEqual(first, second)
            self.assertEqual([path.read_bytes() for path in pathlib.Path(folder).iterdir()], [b"2"])
            kept.clear()
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_scales(self):
        with tempfile.TemporaryDirectory() as folder:
            for lines, usual, long in ((1080, 15, 6), (720, 10, 4), (2160, 30, 12), (4320, 32, 24), (10, 1, 1)):
                kept = pictures.Pictures(folder, lines)
                self.assertEqual((kept.usual_scale, kept.fitting_scale(self.png(89 * usual), usual)), (usual, long))


# What of Kodi's Python API is used. All of it is in Kodi 19, 20 and 21; look up
# "python_v" in its documentation before this grows.
KODIS = """xbmc.LOGERROR xbmc.LOGINFO xbmc.Monitor xbmc.executebuiltin xbmc.log
xbmcaddon.Addon
xbmcgui.ACTION_NAV_BACK xbmcgui.ACTION_PREVIOUS_MENU xbmcgui.ACTION_STOP xbmcgui.Dialog
xbmcgui.ListItem xbmcgui.Window xbmcgui.WindowXMLDialog xbmcgui.getScreenHeight
xbmcvfs.translatePath""".split()


class Sources(unittest.TestCase):
    def test_kodis_api(self):
        used = set()
        for path in ADDON.rglob("*.py"):
            used.update(re.findall(r"\bxbmc\w*\.\w+", path.read_text()))
        self.assertEqual(used, set(KODIS))

    def test_only_the_parts_for_kodi_know_kodi(self):
        knowing = {path.name for path in (ADDON / "lib/plexauthd").glob("*.py") if "import xbmc" in path.read_text()}
        self.assertEqual(knowing, {"api.py", "dialogs.py", "screen.py", "service.py", "window.py"})
