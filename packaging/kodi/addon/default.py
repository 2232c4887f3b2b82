# SPDX-License-Identifier: Apache-2.0
"""Opens the sign-in screen: what RunScript(script.plexauthd) starts. The service
shows it: lib/plexauthd/service.py tells why, and what the property is."""
import xbmc
import xbmcgui

xbmcgui.Window(10000).setProperty("PlexAuth.Open", "true")
xbmc.log("script.plexauthd: asked for the sign-in screen", xbmc.LOGINFO)
