"""Record sets as texts, one for each record: what the database keeps, programs read, and people type.

A stored text is what the primary writes, with every name in full and in lower case, so that equal data are
equal text. What people type may be shorter: see `typed_data`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from tenants.formats.text import FormatError, check_text, printable
from tenants.formats.zones.bind.rdata import data_from_text
from tenants.formats.zones.data.digests import Generic
from tenants.formats.zones.data.simple import TXT, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.primary.reader import read_records
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Soa

__all__ = ["TYPES", "owner_text", "set_digest", "stored_set", "stored_texts", "typed_data", "typed_owner"]

_NAMES = "A AAAA NS CNAME MX TXT SRV CAA TLSA SSHFP DS PTR LOC SVCB HTTPS"
TYPES = tuple(_NAMES.split())
"""The types with forms of their own; others are written as TYPE<number>."""
MOST_CHARACTERS = 65_000


def stored_texts(item: RecordSet) -> list[str]:
    """Return a set's data as texts. Bytes that no text has are shown escaped: such a set has another digest
    than its texts, so it can be shown and kept, but not taken over."""
    return [printable(data.text(_full).replace(b"\t", b" ").strip(), MOST_CHARACTERS) for data in item.data]


def set_digest(item: RecordSet | None) -> str:
    """Identify TTL and data of a set, in any order and case of names; "" for none."""
    if item is None:
        return ""
    lines = sorted(data.text(_full) for data in item.data)
    return hashlib.sha256(b"%d\n%s" % (item.ttl, b"\n".join(lines))).hexdigest()


def stored_set(owner: str, record_type: str, ttl: int, texts: Iterable[str]) -> RecordSet:
    """Return the set that `texts` say. Raises FormatError for texts that `stored_texts` did not make."""
    lines = [f"{owner}. {ttl} {record_type} {text}\n" for text in texts]
    try:
        records = read_records("".join(lines).encode(), NEW)
        return RecordSet(
            Name.of(owner), ttl, [each.data for each in records if not isinstance(each.data, Soa)]
        )
    except (ZoneFileError, ValueError) as error:
        raise FormatError(
            "data", f"{printable(owner, 260)} {record_type} holds what cannot be read.", "Write it anew."
        ) from error


def owner_text(name: Name) -> str:
    """The full name in lower case without its last dot, as rows have it."""
    return printable(str(name.lower).removesuffix("."), 260)


def typed_owner(text: str, origin: Name) -> Name:
    """Return the name that somebody typed for a record of the zone `origin`.

    “@” and nothing mean the domain itself; “www” and “www.example.org.” the same. A name that ends in the
    domain's own is taken as full, for nobody means www.example.org.example.org. Raises FormatError.
    """
    text = check_text(text, field="owner", maximum=260).strip().lower() if text.strip() else "@"
    if text == "@":
        return origin
    try:
        written = Name.of(text)
        if text.endswith(".") or written.within(origin):
            return written
        return Name((*written.labels, *origin.labels))
    except ValueError as error:
        raise FormatError(
            "owner",
            f"“{printable(text, 80)}” is no name: a part is empty or longer than 63 letters, or it has others"
            " than the DNS knows.",
            "Write a name such as www or mail, or @ for the domain itself.",
        ) from error


def typed_data(record_type: str, text: str, origin: Name) -> Data:
    """Return the data that somebody typed: as in a BIND file, but text needs no quotes.

    Names without a last dot are completed by the domain, unless they end in it. Raises FormatError.
    """
    record_type = record_type.upper()
    text = text.strip()
    if not text:
        raise FormatError("data", "This record says nothing.", "Fill it in, or remove the record.")
    if len(text) > MOST_CHARACTERS:
        raise FormatError(
            "data", f"This is longer than {MOST_CHARACTERS} characters.", "Shorten it, or split it up."
        )
    check_text(text, field="data", maximum=MOST_CHARACTERS)
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    if record_type == "TXT" and (not quoted or "\\" in text):
        return TXT(text.encode())  # a backslash is refused later: the primary knows no escapes
    data = data_from_text(record_type, text, origin)
    if isinstance(data, Soa):
        raise FormatError("type", "The SOA is no record of its own here.", "Change the zone's settings.")
    if isinstance(data, Generic) and data.type in TYPES:
        raise FormatError("data", f"A {record_type} record is not written that way.", "Use its own form.")
    return _completed(data, origin)


def _completed(data: Data, origin: Name) -> Data:
    """A target typed in full without its last dot got the domain twice: nobody means that."""
    target = getattr(data, "target", None)
    if not isinstance(target, Name):
        return data
    twice = (*origin.key, *origin.key)
    written = target.labels
    if target.key[: len(twice)] == twice:
        written = written[: len(written) - len(origin.labels)]
    completed: Data = replace(data, target=Name(written).lower)  # type: ignore[type-var]
    return completed


def _full(name: Name) -> bytes:
    return name.lower.absolute
