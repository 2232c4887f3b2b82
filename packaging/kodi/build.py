#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the add-on as a zip for Kodi: build.py VERSION FILE. The same sources make
the same bytes: files in order, stored, all of the time SOURCE_DATE_EPOCH."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ID = "script.plexauthd"


def files(version, vendored):
    """The add-on's files: their content by their name in the zip."""
    found = {}
    for top in (HERE / "addon", vendored):
        for path in sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(top)
                found[(pathlib.PurePath("lib") / name if top == vendored else name).as_posix()] = path.read_bytes()
    found["addon.xml"] = found.pop("addon.xml.in").replace(b"@VERSION@", version.encode())
    found["LICENSE.txt"] = (HERE / "../../LICENSE").read_bytes()
    return found


def build(version, target):
    with tempfile.TemporaryDirectory() as vendored:
        subprocess.run(["sh", HERE / "vendor.sh", vendored], check=True)
        contents = files(version, pathlib.Path(vendored))
    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))  # zip begins in 1980
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(ID + "/" + name, moment[:6])
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, wherever it is built
            archive.writestr(entry, content)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2])
