"""Opens the sign-in screen: what RunScript(script.plexauthd) starts. The service
shows it: lib/plexauthd/service.py tells why, and what the property is."""
import xbmcgui

xbmcgui.Window(10000).setProperty("PlexAuth.Open", "true")
