"""What happened to a unikernel, in words: what it needs, and how it ended. Rows in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from panel.web import times
from tenants.formats.exits import explain, is_looping
from tenants.models import HostWatch, Unikernel, UnikernelExit, UnikernelWatch
from tenants.watched import ENDS_SHOWN, end_of

# A watcher looks every few seconds; after this it is not there, or cannot.
SILENT_AFTER = timedelta(minutes=1)


def life_banner(
    row: Unikernel,
    watch: UnikernelWatch | None,
    host_watch: HostWatch | None,
    ends: Sequence[UnikernelExit],
    now: datetime,
) -> dict[str, Any] | None:
    """The one thing that a person should know first, for parts/banner.html; `ends` come newest first."""
    again = [end.at for end in ends if end.restarted]
    if ends and is_looping(again, now):
        said = explain(end_of(ends[0]))
        number = sum(now - at <= timedelta(minutes=10) for at in again)
        return {
            "state": "stopped",
            "word": "Restarts again and again",
            "title": f"{number}{' or more' * (number >= ENDS_SHOWN)} ends in ten minutes: it {said.sentence}",
            "sentence": f"Albatross starts it at once each time. {said.advice} Until then, stop it.",
        }
    unfollowed = _unfollowed(host_watch, now)
    if unfollowed:
        return unfollowed
    if watch is not None and not watch.running and ends and row.running:
        said = explain(end_of(ends[0]))
        when = times.clock(ends[0].at, now)
        return {
            "state": "stopped",
            "word": "Ended",
            "title": f"It {said.sentence}; it will not be restarted",
            "sentence": f"That was at {when}. {said.advice}".strip(),
        }
    return None


def _unfollowed(watch: HostWatch | None, now: datetime) -> dict[str, Any] | None:
    if watch is None or watch.looked_at is None:
        reason = (watch.problem if watch else "") or "It begins some seconds after the unikernel was made."
        return _not_followed("Nothing was seen yet", reason)
    if now - watch.looked_at < SILENT_AFTER:
        return None
    since = times.clock(watch.looked_at, now)
    reason = watch.problem or "The process that follows hosts does not run: start `manage.py watch`."
    return _not_followed(f"Not followed since {since}", reason)


def _not_followed(title: str, reason: str) -> dict[str, Any]:
    sentence = f"{reason} What albatross keeps meanwhile, its last 1024 lines, comes later."
    return {"state": "needs", "word": "Not live", "title": title, "sentence": sentence}


def end_lines(ends: Sequence[UnikernelExit], now: datetime) -> list[dict[str, Any]]:
    """Each end for a list, explained."""
    return [
        {
            "at": times.moment(end.at, now),
            "explained": explain(end_of(end)),
            "restarted": end.restarted,
            "words": end.words,
        }
        for end in ends
    ]


def standing_now(watch: UnikernelWatch | None, now: datetime) -> str:
    """“It runs since 09:12.” Says nothing that changes by itself: a stream would send it each second."""
    if watch is None or watch.looked_at is None:
        return "Nobody has looked at it yet."
    if not watch.running:
        return "It does not run."
    since = f" since {times.clock(watch.started_at, now)}" if watch.started_at else ""
    return f"It runs{since}."
