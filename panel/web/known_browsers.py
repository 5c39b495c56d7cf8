"""Browsers in which somebody signed in before: their tries of a password are counted apart.

A signed cookie names the browser and, by a digest, the account. It is no proof of anything else: whoever
steals it may try ten passwords an hour more.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

_SALT = "panel.web.known_browsers"
_KNOWN_FOR = timedelta(days=365)


def _digest(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()[:32]


def known_as(request: HttpRequest, email: str) -> str:
    """What this browser is known by, where this account signed in with it within a year; else ""."""
    given = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    try:
        told = signing.loads(given, salt=_SALT, max_age=_KNOWN_FOR)
    except signing.BadSignature:
        return ""
    return str(told["browser"]) if told["account"] == _digest(email) else ""


def make_known(request: HttpRequest, answer: HttpResponse, email: str) -> None:
    """This account has just signed in with this browser."""
    browser = known_as(request, email) or secrets.token_urlsafe(16)
    answer.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps({"account": _digest(email), "browser": browser}, salt=_SALT),
        max_age=_KNOWN_FOR,
        secure=settings.SECURE_COOKIES,
        httponly=True,
        samesite="Lax",
    )
