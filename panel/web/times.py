"""Times as people say them. Pure: the present is an argument; local time is that of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Moment:
    """A time ready for a page: `iso` for machines, `text` for the line, `full` for who wants to know."""

    iso: str
    text: str
    full: str

    def __str__(self) -> str:
        return self.text

    @property
    def tag(self) -> SafeString:
        """As HTML, with the whole time for machines and for whoever points at it."""
        return format_html('<time datetime="{}" title="{}">{}</time>', self.iso, self.full, self.text)


def moment(at: datetime | None, now: datetime, *, relative: bool = False) -> Moment | None:
    """A Moment, or nothing when there is no time; `relative` says “12 s ago” instead of a clock time."""
    if at is None:
        return None
    local = timezone.localtime(at)
    full = f"{local.day} {local:%B %Y, %H:%M:%S %Z}".strip()
    return Moment(local.isoformat(timespec="seconds"), ago(at, now) if relative else clock(at, now), full)


def clock(at: datetime, now: datetime) -> str:
    """“09:12” today, “Friday, 22:40” in the last six days, “2 March” this year, else “2 March 2025”.

    A time to come is a date, unless it is today.
    """
    local, today = timezone.localtime(at), timezone.localtime(now)
    days = (today.date() - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    if 0 < days < 7:
        return f"{local:%A, %H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}"


def ago(at: datetime, now: datetime) -> str:
    """“12 s ago”, “4 minutes ago”, “3 hours ago”, “2 days ago”; a time to come is “just now”."""
    seconds = int((now - at).total_seconds())
    if seconds < 1:
        return "just now"
    if seconds < 90:
        return f"{seconds}\N{NO-BREAK SPACE}s ago"
    for unit, size in (("minute", 60), ("hour", 3600), ("day", 86_400)):
        count = round(seconds / size)
        limit = {"minute": 90, "hour": 36, "day": 10_000_000}[unit]
        if count < limit:
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "long ago"


def took(duration: timedelta) -> str:
    """“under 0.1 s”, “0.4 s”, “12 s”, “3 min 20 s”."""
    seconds = duration.total_seconds()
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def greeting(now: datetime) -> str:
    hour = timezone.localtime(now).hour
    if 5 <= hour < 12:
        return "Good morning"
    return "Good afternoon" if 12 <= hour < 18 else "Good evening"
