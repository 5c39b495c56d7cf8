"""Which names Rookery writes into a zone: those that every generation of the primary can read back."""

from __future__ import annotations

import re
from functools import lru_cache

from tenants.formats.text import printable
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.cursor import Cursor, host_problem
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.lexer import tokens

__all__ = ["host_refusal", "name_refusal"]

_PLAIN = re.compile(rb"[A-Za-z0-9_/-]+")
"""Letters, digits, hyphens, underscores (RFC 8552) and slashes (RFC 2317)."""
_SUSPICIOUS = re.compile(
    rb"-?[0-9]+m?|no-default-alpn|type[0-9]+|in|cs|ch|hs|[nsewa]|ns|cname|soa|ptr|mx|txt|aaaa|srv|svcb|https"
    rb"|dnskey|caa|tlsa|sshfp|ds|loc",
    re.IGNORECASE,
)
"""Labels that are more than that in the primary's grammar: only names with one need a trial."""

Refusal = tuple[str, str]
"""A problem and its fix, as sentences."""


def name_refusal(name: Name, origin: Name, dialects: tuple[Dialect, ...]) -> Refusal | None:
    """Say why a name cannot be written in the zone of `origin`, or return None.

    Letters beyond ASCII belong in punycode; an asterisk stands alone and first (RFC 4592 §2.1.1); and the
    name must be read back as it was written, which is not so for words of the grammar.
    """
    labels = name.labels[1:] if name.labels[:1] == (b"*",) else name.labels
    for label in labels:
        if not _PLAIN.fullmatch(label):
            return _bad_label(name, label)
    if not any(_SUSPICIOUS.fullmatch(label) for label in labels):
        return None
    for dialect in dialects:
        written = name.relative(origin)
        for text in (written, name.absolute):
            if not _reads_back(text, name, origin, dialect):
                return (
                    (
                        f"“{printable(written, 260)}” cannot be written: primaries on ocaml-dns"
                        f" {dialect.version} read it as something else, and would drop the zone."
                    ),
                    "Choose another name, for example with a hyphen in place of a dot.",
                )
    return None


def host_refusal(name: Name) -> Refusal | None:
    """Say why the primary does not take a name as a host's, or return None."""
    problem = host_problem(name)
    return (problem, "Point to a name made of letters, digits and hyphens.") if problem else None


def _bad_label(name: Name, label: bytes) -> Refusal:
    shown, whole = printable(label, 80), name.short
    if b"*" in label:
        return (
            f"An asterisk must stand alone at the beginning of a name, not as in “{whole}”.",
            "Write *.example.org for every name below example.org.",
        )
    if not label.isascii():
        return (
            f"“{shown}” has letters beyond ASCII, which names in the DNS do not have.",
            "Write the name in punycode (xn--…).",
        )
    if b"\\" in label:
        return (
            f"“{shown}” has a backslash: the primary knows no escapes in names and would keep it.",
            "Leave the backslash out, and choose a name without special characters.",
        )
    if b"@" in label:
        return (f"“{shown}” has an @, which is not part of a name.", "Write a dot in place of the @.")
    return (
        f"“{shown}” has characters that names do not have.",
        "Use letters, digits, hyphens and underscores.",
    )


@lru_cache(maxsize=4096)
def _reads_back(text: bytes, name: Name, origin: Name, dialect: Dialect) -> bool:
    """Whether a name written in a file is read as that name, in any place of a line."""
    try:
        cursor = Cursor(tokens(text + b"\tx", dialect), dialect)
        cursor.origin = origin
        found = cursor.name()
        cursor.blank()
    except UnreadableError:
        return False
    return found.key == name.key
