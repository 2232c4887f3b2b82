# SPDX-License-Identifier: Apache-2.0
import ast
import base64
import hashlib
import pathlib
import unittest
import zipfile

TOP = pathlib.Path(__file__).resolve().parents[3]

# What the RECORD of jeepney 0.8.0's wheel says of its files.
RECORDED = {"LICENSE": "GyKwSbUmfW38I6Z79KhNjsBLn9-xpR02DkK0NCyLQVQ",
            "auth.py": "Dh3ntzuCc0raeIcWDM_GDALNwLqUueJM4oEHH_pCQTA"}


class Zip(unittest.TestCase):
    """The add-on as make kodi has built it."""

    def setUp(self):
        built = list((TOP / "dist").glob("script.plexauthd-*.zip"))
        self.assertEqual(len(built), 1, "make kodi builds it")
        archive = zipfile.ZipFile(built[0])
        self.addCleanup(archive.close)
        self.files = {name: archive.read(name) for name in archive.namelist()}

    def test_jeepney_is_as_its_author_gave_it_with_its_licence(self):
        for name, recorded in RECORDED.items():
            digest = hashlib.sha256(self.files["script.plexauthd/lib/jeepney/" + name]).digest()
            self.assertEqual(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), recorded, name)

    def test_our_licence(self):
        self.assertEqual(self.files["script.plexauthd/LICENSE.txt"], (TOP / "LICENSE").read_bytes())

    def test_kodi_19s_python_reads_all_of_it(self):
        sources = [name for name in self.files if name.endswith(".py")]
        self.assertGreater(len(sources), 20)
        for name in sources:
            ast.parse(self.files[name], name, feature_version=(3, 8))
