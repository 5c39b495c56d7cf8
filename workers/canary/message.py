"""The message of a canary, and how it is known again. Nobody can make one that counts: its tag is 160 bits
that were in no message before."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from email.utils import format_datetime

__all__ = ["HEADER", "is_tag", "make_message", "new_tag", "tag_of"]

HEADER = "X-Rookery-Canary"
_TAG = re.compile(r"[0-9a-f]{40}")
_LINE = re.compile(
    rb"^" + HEADER.encode() + rb":[ \t]*([0-9a-f]{40})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def new_tag() -> str:
    return secrets.token_hex(20)


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def make_message(*, tag: str, sender: str, recipient: str, at: datetime) -> bytes:
    """A whole message (RFC 5322) with CRLF ends of lines; `at` is aware, addresses are plain ASCII."""
    lines = (
        f"Date: {format_datetime(at)}",
        f"From: Rookery <{sender}>",
        f"To: <{recipient}>",
        "Subject: Canary",
        f"Message-ID: <{tag}@{sender.rpartition('@')[2]}>",
        f"{HEADER}: {tag}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Rookery sent this to see whether mail of this domain arrives. It needs no answer.",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def tag_of(raw: bytes) -> str:
    """The tag in the headers of what arrived; "" for what is no message of a canary, or names two."""
    head = _END_OF_HEADERS.split(raw, maxsplit=1)[0]
    found = {each.lower() for each in _LINE.findall(head)}
    return found.pop().decode("ascii") if len(found) == 1 else ""
