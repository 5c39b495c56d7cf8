"""What a browser calls itself (User-Agent, RFC 9110 §10.1.5), in words: browser and system.

The header is free text that anybody may forge: the words only help to recognise one's own browsers.
"""

from __future__ import annotations

import re

# In this order: later ones call themselves by the names of earlier ones, too.
_BROWSERS = (
    (r"\bEdgA?/|\bEdgiOS/", "Edge"),
    (r"\bOPR/|\bOpera\b", "Opera"),
    (r"\bVivaldi/", "Vivaldi"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\bFirefox/|\bFxiOS/", "Firefox"),
    (r"\bChrome/|\bCriOS/|\bHeadlessChrome/", "Chromium or Chrome"),
    (r"\bSafari/", "Safari"),
    (r"^curl/", "curl"),
)
_SYSTEMS = (
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bAndroid\b", "Android"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bWindows\b", "Windows"),
    (r"\bMac OS X\b|\bMacintosh\b", "macOS"),
    (r"\bOpenBSD\b", "OpenBSD"),
    (r"\bFreeBSD\b", "FreeBSD"),
    (r"\bLinux\b", "Linux"),
)


def in_words(agent: str) -> str:
    """Such as "Firefox on Linux"; what is not known is said to be unknown."""
    browser = _first(_BROWSERS, agent) or "An unknown browser"
    system = _first(_SYSTEMS, agent)
    return f"{browser} on {system}" if system else browser


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((word for pattern, word in known if re.search(pattern, agent)), "")
