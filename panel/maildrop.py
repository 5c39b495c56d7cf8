"""Mails that the sandbox kept: the panel's own mails and what the relay delivered, read for showing.

The sandbox writes Maildirs, one for each address, below one folder; a folder's name is the address in lower
case, percent-encoded. Everything in them is hostile text: bounded, decoded without trust, shown as plain
text only. Standard library alone.
"""

from __future__ import annotations

import email.policy
import heapq
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote, unquote

MAX_ADDRESSES = 1_000
MAX_MESSAGES = 100
MAX_SCANNED = 10_000
MAX_BYTES = 1_000_000  # of one mail
MAX_HEADER = 500  # characters
MAX_TEXT = 50_000  # characters
MAX_PARTS = 50

_NAME = re.compile(r"(\d{10,25})\.[A-Za-z0-9_]{1,60}\.[A-Za-z0-9_-]{1,60}(?::2,[A-Z]{0,10})?")
# Control characters, and the invisible ones that turn the direction of writing or hide text.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


class NoSuchMailError(LookupError):
    """There is no such address or mail (any more)."""


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One kept mail: `key` names it within its address, `kept_at` is when it arrived."""

    key: str
    kept_at: datetime
    subject: str
    sender: str


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail for reading. `date` is None when the mail has no readable date; `cut` says that text is
    missing."""

    key: str
    kept_at: datetime
    subject: str
    sender: str
    recipient: str
    return_path: str
    date: datetime | None
    text: str
    cut: bool


def list_addresses(folder: Path) -> list[str]:
    """The addresses that have a mailbox in the sandbox, sorted, at most 1,000; none when there is no
    folder."""
    try:
        with os.scandir(folder) as found:
            names = heapq.nsmallest(MAX_ADDRESSES, (entry.name for entry in found if _is_folder(entry)))
    except OSError:
        return []
    return sorted(_plain(unquote(name), MAX_HEADER) for name in names)


def list_mails(folder: Path, address: str, *, limit: int = MAX_MESSAGES) -> list[MailSummary]:
    """The mails of an address, newest first, at most `limit` (100). An unknown address has none."""
    wanted = max(0, min(limit, MAX_MESSAGES))
    newest = heapq.nlargest(wanted, _files(_maildir(folder, address)))
    found = []
    for name, path in newest:
        try:
            message, _ = _read(path)
        except OSError:
            continue  # removed in between
        found.append(MailSummary(name, _kept_at(name), _header(message, "Subject"), _header(message, "From")))
    return found


def read_mail(folder: Path, address: str, key: str) -> KeptMail:
    """One mail of an address. Raises NoSuchMailError."""
    path = next((path for name, path in _files(_maildir(folder, address)) if name == key), None)
    try:
        if path is None:
            raise FileNotFoundError
        message, cut_file = _read(path)
    except OSError:
        raise NoSuchMailError("This mail is not there any more.") from None
    text, cut_text = _text(message)
    return KeptMail(
        key=key,
        kept_at=_kept_at(key),
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        recipient=_header(message, "To"),
        return_path=_header(message, "Return-Path"),
        date=_date(message),
        text=text,
        cut=cut_file or cut_text,
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _maildir(folder: Path, address: str) -> Path:
    """The folder of an address. The encoding leaves no slash and no leading dot, so it stays inside."""
    name = quote(address.lower(), safe="@+-_.=", errors="surrogateescape")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    return folder / (name or "%00")


def _files(maildir: Path) -> Iterator[tuple[str, Path]]:
    for part in ("new", "cur"):
        try:
            with os.scandir(maildir / part) as found:
                for number, entry in enumerate(found):
                    if number >= MAX_SCANNED:
                        break
                    if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        yield entry.name, Path(entry.path)
        except OSError:
            continue


def _read(path: Path) -> tuple[EmailMessage, bool]:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotFoundError
        raw = file.read(MAX_BYTES + 1)
    parser = BytesParser(EmailMessage, policy=email.policy.default)
    return parser.parsebytes(raw[:MAX_BYTES]), len(raw) > MAX_BYTES


def _kept_at(name: str) -> datetime:
    match = _NAME.fullmatch(name)
    try:
        return datetime.fromtimestamp(int(match.group(1)) / 1e9 if match else 0, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message.get(name)
        return "" if value is None else " ".join(_plain(str(value), MAX_HEADER).split())
    except Exception:
        return "(unreadable)"


def _date(message: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(message.get("Date", "")))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except Exception:
        return None


def _text(message: EmailMessage) -> tuple[str, bool]:
    """The first plain text part, decoded."""
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            break
        if part.get_content_type() != "text/plain" or part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue
        try:
            text = payload.decode(part.get_content_charset("utf-8"), "replace")
        except (LookupError, ValueError):
            text = payload.decode("utf-8", "replace")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return _plain(text, MAX_TEXT), len(text) > MAX_TEXT
    return "", False


def _plain(text: str, limit: int) -> str:
    """Text that can be shown: cut, without control characters and without ones that turn the writing
    direction."""
    cut = text[:limit].encode("utf-8", "replace").decode("utf-8")
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", cut)
