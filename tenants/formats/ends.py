"""When an address may end by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

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


def end_of(day: date) -> datetime:
    """When an address ends that is to last through `day`: the midnight after it (UTC)."""
    return datetime.combine(day + timedelta(days=1), time(0), UTC)


def last_day(expires_at: datetime) -> date:
    """The last day on which an address is there that ends then."""
    return (expires_at.astimezone(UTC) - timedelta(microseconds=1)).date()


def in_words(expires_at: datetime) -> str:
    """The last day for people: “30 November 2026”."""
    return f"{last_day(expires_at):%-d %B %Y}"
