"""Processes without a port say that they still work by touching a file, for who watches them."""

from __future__ import annotations

from django.conf import settings


def tell() -> None:
    """Touch the file that ROOKERY_ALIVE_PATH names, if any."""
    if settings.ALIVE_FILE is not None:
        settings.ALIVE_FILE.touch(mode=0o600)
