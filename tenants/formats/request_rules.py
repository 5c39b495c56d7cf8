"""The rule by which a domain gives addresses by itself: what may stand in it, and whom it admits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from tenants.formats.addresses import MAX_LOCAL_PART, check_domain
from tenants.formats.text import FormatError, printable, require_text

MAX_MAIL_DOMAINS = 50
_PATTERN = re.compile(r"[a-z0-9._+*?-]*")


def check_pattern(value: object, *, field: str = "pattern") -> str:
    """Return a pattern for local parts: their characters, `*` for any number of others and `?` for one.

    Empty admits every name. Raises FormatError.
    """
    text = require_text(value, field=field).strip(" ")
    if len(text) > MAX_LOCAL_PART:
        raise FormatError(
            field, f"The pattern is {len(text)} characters long; at most {MAX_LOCAL_PART} fit.", "Shorten it."
        )
    if not _PATTERN.fullmatch(text):
        wrong = next(character for character in text if not _PATTERN.fullmatch(character))
        raise FormatError(
            field,
            f"“{printable(text, 80)}” contains “{printable(wrong)}”, which no address here has.",
            "Use small letters, digits, dots, hyphens, underscores and plus signs; * and ? stand for others.",
        )
    return re.sub(r"\*+", "*", text)


def fits_pattern(pattern: str, local_part: str) -> bool:
    """Does `local_part` fit a pattern of `check_pattern`? The whole of it, in the same case."""
    return not pattern or fnmatchcase(local_part, pattern)


def check_mail_domains(
    values: Sequence[object], *, own_domain: str, field: str = "mail_domains"
) -> list[str]:
    """Return the domains where targets may be, in order and none twice. Empty: anywhere.

    Raises FormatError for what is no domain, for too many, and for `own_domain`, in which no target can be.
    """
    if len(values) > MAX_MAIL_DOMAINS:
        raise FormatError(
            field, f"These are {len(values)} domains; at most {MAX_MAIL_DOMAINS} fit.", "Leave some out."
        )
    checked = list(dict.fromkeys(check_domain(value, field=field) for value in values))
    if own_domain in checked:
        raise FormatError(
            field, f"Nobody's mail can go from {own_domain} to {own_domain}.", "Leave it out, or name others."
        )
    return checked


def why_not_admitted(*, pattern: str, mail_domains: Sequence[str], local_part: str, target: str) -> str:
    """Which parts of a rule a request does not fit, in sentences; empty when it fits."""
    sentences = []
    if not fits_pattern(pattern, local_part):
        sentences.append(f"The name “{local_part}” does not fit the pattern “{pattern}”.")
    host = target.rpartition("@")[2].lower()
    if mail_domains and host not in mail_domains:
        sentences.append(f"Mail to {host} is not in the rule.")
    return " ".join(sentences)


def counted_as(target: str) -> str:
    """How a rule counts whom it gave an address: without case, and without what follows a plus sign.

    >>> counted_as("Grace+2@Home.example")
    'grace@home.example'
    """
    local_part, _, host = target.lower().rpartition("@")
    return f"{local_part.partition('+')[0] or local_part}@{host}"
