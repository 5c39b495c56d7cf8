"""When an address may end by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from tenants.formats.text import FormatError

LONGEST = timedelta(days=3660)


def check_end(expires_at: datetime | None, *, now: datetime, field: str = "expires_at") -> datetime | None:
    """Return a time, with its zone, at which an address may end: after `now`, within ten years. None: never.

    Raises FormatError.
    """
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise FormatError(field, "The time has no time zone.", "Write one, such as 2027-01-31T00:00:00Z.")
    if expires_at <= now:
        raise FormatError(field, "That is past already.", "Choose a day to come, or delete the address.")
    if expires_at > now + LONGEST:
        raise FormatError(field, "That is more than ten years away.", "Choose no end instead.")
    return expires_at
