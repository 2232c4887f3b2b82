# SPDX-License-Identifier: Apache-2.0
"""What Kodi runs all the time."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from plexauthd import service  # noqa: E402

service.run()
