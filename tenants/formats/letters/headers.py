"""What servers wrote on top of a letter on its way. Anybody on the way could have written it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenants.formats.text import printable

__all__ = ["MOST_FIELDS", "Stamp", "kept_headers", "stamps_of"]

MOST_FIELDS, MOST_BYTES, MOST_TEXT = 40, 16_384, 400
_KEPT = {
    each.lower(): each
    for each in ("Received", "Received-SPF", "X-Spamtacus", "DKIM-Signature", "Authentication-Results")
}
_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_BY = re.compile(r"\bby\s+([A-Za-z0-9.\-\[\]:_]{1,253})")


@dataclass(frozen=True)
class Stamp:
    """One Received field: who wrote it by its own word, and when by its own clock (to the second)."""

    by: str
    at: datetime | None
    text: str


def kept_headers(raw: bytes) -> list[tuple[str, str]]:
    """Names and harmless texts of the fields that tell of the way, as they stand: the last server first."""
    head = _END.split(raw[:MOST_BYTES], maxsplit=1)[0].decode("utf-8", "replace")
    found = []
    for field in _FOLD.sub(" ", head).split("\n"):
        name, colon, value = field.partition(":")
        known = _KEPT.get(name.strip().lower())
        if colon and known is not None:
            found.append((known, printable(value.strip(), MOST_TEXT)))
        if len(found) == MOST_FIELDS:
            break
    return found


def stamps_of(headers: Iterable[Sequence[str]]) -> list[Stamp]:
    """Its Received fields, the first server first."""
    texts = [text for name, text in headers if name == "Received"]
    return [_stamp(text) for text in reversed(texts)]


def _stamp(text: str) -> Stamp:
    words, _, date = text.rpartition(";")
    by = _BY.search(words)
    return Stamp(by.group(1).rstrip(".").lower() if by else "", _moment(date.strip()[:60]), text)


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
