"""Patterns for the aliases that people may make themselves."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from tenants.formats.addresses import MAX_LOCAL_PART
from tenants.formats.text import FormatError, printable, require_text

OWN = "{own}"
MAX_STARS = 2
_PLAIN = re.compile(r"[a-z0-9._+*-]*")


def check_pattern(value: object, *, field: str = "pattern") -> str:
    """Return a pattern for local parts: their characters, `{own}` for the person's own local part, `*` for
    any others.

    No more than that, so that everybody can read what it allows and none takes long. Raises FormatError.
    """
    text = require_text(value, field=field).strip(" ")
    shown = printable(text, 80)
    if not text:
        raise FormatError(field, "The pattern is empty.", f"Write one such as “{OWN}-*”, or * for any name.")
    if len(text) > MAX_LOCAL_PART:
        raise FormatError(
            field, f"The pattern is {len(text)} characters long; at most {MAX_LOCAL_PART} fit.", "Shorten it."
        )
    rest = text.replace(OWN, "", 1)
    if not _PLAIN.fullmatch(rest):
        wrong = next(character for character in rest if not _PLAIN.fullmatch(character))
        raise FormatError(
            field,
            f"“{shown}” contains “{printable(wrong)}”.",
            f"Use small letters, digits and . _ + -, once {OWN} for the person's own name, and * for others.",
        )
    if text.count("*") > MAX_STARS:
        raise FormatError(
            field, f"“{shown}” has more than {MAX_STARS} stars.", "Fewer say the same, and are read at once."
        )
    if "*" not in text:
        raise FormatError(
            field, f"“{shown}” has no star, so it allows one name only.", f"Write for example “{text}-*”."
        )
    return text


def fits(pattern: str, local_part: str, *, own: str) -> bool:
    """Does `local_part` fit a checked pattern, for somebody whose mailbox is called `own`?"""
    return fnmatchcase(local_part, pattern.replace(OWN, own))


def example(pattern: str, *, own: str = "ada") -> str:
    """A name that fits, for people: `{own}-*` gives “ada-shop”."""
    return pattern.replace(OWN, own).replace("*", "shop", 1).replace("*", "2")


def begins_with(pattern: str, *, own: str) -> str:
    """What every name that fits begins with, to type on from."""
    return pattern.replace(OWN, own).partition("*")[0]
