"""How long ago somebody signed in: a session that was left open, or stolen, is not enough for everything."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

FRESH_FOR = timedelta(minutes=15)
_KEY = "signed_in_at"


def stamp(session: SessionBase) -> None:
    """Somebody has just proved who they are in this session."""
    session[_KEY] = timezone.now().timestamp()


def is_fresh(session: SessionBase) -> bool:
    """Was that within `FRESH_FOR`? A session from before stamps, or with one of the future, is not."""
    at = session.get(_KEY)
    age = timezone.now().timestamp() - at if isinstance(at, float) else -1.0
    return 0 <= age < FRESH_FOR.total_seconds()
