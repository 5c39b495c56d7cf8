"""Which data Rookery publishes: what the primary would reject, change or be unable to write back is refused.

The reasons are its own behaviour, found by running it: text is never unescaped, a name that is only a dot
becomes nothing when a file is written back, some records cannot stand together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.data.services import HTTPS, SVCB
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.rules.names import Refusal, host_refusal, name_refusal
from tenants.formats.zones.rules.services import service_refusals

__all__ = ["MAX_DATA", "data_refusals", "text_refusal"]

MAX_DATA = 64641
"""Bytes of one record's data that the primary reads."""
MAX_TEXT = 64000
"""Bytes of one TXT record that Rookery writes: with a length byte for every 255 they stay below MAX_DATA."""

_DEGREE = 3_600_000
"""Of latitude and longitude, in thousandths of an arc second."""

Where = tuple[Name, tuple[Dialect, ...]]
"""The zone's origin and the generations of the primary that must read it."""


def data_refusals(data: Data, origin: Name, dialects: tuple[Dialect, ...]) -> Iterator[Refusal]:
    """Yield why one record cannot be published in the zone of `origin`: pairs of problem and fix."""
    for dialect in dialects:
        if not isinstance(data, Generic) and data.type not in dialect.types:
            yield _unknown_type(data.type, dialect)
    check: Callable[[Any, Where], Iterator[Refusal]] | None = _CHECKS.get(type(data))
    if check:
        yield from check(data, (origin, dialects))


def text_refusal(value: bytes) -> Refusal | None:
    """Say why bytes cannot stand in quotes, or return None: printable UTF-8 without quote and backslash."""
    for mark, name in ((b'"', "a quotation mark"), (b"\\", "a backslash")):
        if mark in value:
            return (
                f"The text has {name}: the primary knows no escapes and would publish other text than this.",
                "Leave it out, or write the text without it.",
            )
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return ("The text is not valid UTF-8.", "Write it in UTF-8, or in letters without accents.")
    for character in text:
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"}:
            return (
                f"The text has a line break or another control character (U+{ord(character):04X}).",
                "Write it on one line.",
            )
    return None


def _unknown_type(record_type: str, dialect: Dialect) -> Refusal:
    return (
        f"Primaries on ocaml-dns {dialect.version} do not know {record_type} records.",
        "Update the primary, or leave the record out.",
    )


def _target(data: Any, where: Where, *, host: bool) -> Iterator[Refusal]:
    target: Name = data.target
    if not target.labels:
        yield _ROOT_FIXES.get(data.type, _ROOT_FIXES["CNAME"])
        return
    refusal = name_refusal(target, *where) or (host_refusal(target) if host else None)
    if refusal:
        yield refusal
    elif b"*" in target.labels:
        yield (f"{target.short} is a wildcard, to which nothing can point.", "Point to one name.")


def _address(data: AAAA, where: Where) -> Iterator[Refusal]:
    if data.address.ipv4_mapped:
        yield (
            (
                f"{data.address} is an IPv4 address written as IPv6, which the primary cannot read after it"
                " wrote the zone back."
            ),
            f"Publish an A record with {data.address.ipv4_mapped}.",
        )
    elif data.address.scope_id:
        yield (f"{data.address} names an interface of one machine.", "Give a public address.")


def _host_target(data: MX | NS | SRV, where: Where) -> Iterator[Refusal]:
    yield from _numbers(data)
    yield from _target(data, where, host=True)


def _pointer(data: PTR | CNAME, where: Where) -> Iterator[Refusal]:
    strict = isinstance(data, PTR) and not all(dialect.any_pointer for dialect in where[1])
    yield from _target(data, where, host=strict)


def _text(data: TXT, where: Where) -> Iterator[Refusal]:
    if not data.value:
        yield (
            "The text is empty, which the primary does not serve.",
            "Write some text, or remove the record.",
        )
    elif len(data.value) > MAX_TEXT:
        yield (
            f"The text has {len(data.value)} bytes; one record holds at most {MAX_TEXT}.",
            "Shorten it, or spread it over several records.",
        )
    elif refusal := text_refusal(data.value):
        yield refusal


def _caa(data: CAA, where: Where) -> Iterator[Refusal]:
    if not (data.tag.isalnum() and data.tag.isascii() and len(data.tag) <= 15):
        yield ("The tag must be 1 to 15 letters and digits.", "Use issue, issuewild or iodef.")
    if len(data.value) != 1:
        yield ("The value must be one piece of text.", "Write all of it in one pair of quotes.")
    elif refusal := text_refusal(data.value[0]):
        yield refusal
    elif len(data.value[0]) > 4096:
        yield ("The value is longer than 4096 bytes.", "Shorten it.")


def _tlsa(data: TLSA, where: Where) -> Iterator[Refusal]:
    yield from _numbers(data)
    yield from _bytes(data.data)
    wanted = {1: 32, 2: 64}.get(data.matching)
    if wanted and len(data.data) != wanted:
        yield (
            f"Matching type {data.matching} needs {wanted} bytes, and these are {len(data.data)}.",
            "Copy the whole digest, or choose matching type 0 for a whole certificate or key.",
        )


def _sshfp(data: SSHFP, where: Where) -> Iterator[Refusal]:
    yield from _numbers(data)
    yield from _bytes(data.fingerprint)
    wanted = {1: 20, 2: 32}.get(data.hash)
    if wanted and len(data.fingerprint) != wanted:
        yield (
            f"A fingerprint of type {data.hash} has {wanted} bytes, and this has {len(data.fingerprint)}.",
            "Copy the record that “ssh-keygen -r” prints.",
        )


def _ds(data: DS, where: Where) -> Iterator[Refusal]:
    yield from _numbers(data)
    yield from _bytes(data.digest)
    wanted = {1: 20, 2: 32, 4: 48}.get(data.digest_type)
    if wanted and len(data.digest) != wanted:
        yield (
            f"A digest of type {data.digest_type} has {wanted} bytes, and this has {len(data.digest)}.",
            "Copy the DS record again from whoever signs the delegated zone.",
        )


def _location(data: LOC, where: Where) -> Iterator[Refusal]:
    for value, name, most in ((data.latitude, "latitude", 90), (data.longitude, "longitude", 180)):
        if abs(value - MIDDLE) > most * _DEGREE:
            yield (f"The {name} is beyond {most} degrees.", "Correct degrees, minutes and seconds.")
    if not 0 <= data.altitude < 2**32:
        yield ("The altitude is out of range.", "Give metres above sea level, from -100000 to 42849672.")
    elif data.altitude < SEA_LEVEL and data.altitude % 100:
        yield (
            "The primary cannot write centimetres of a height below sea level; it would stop.",
            "Round the altitude to whole metres.",
        )
    if any(value >> 4 > 9 or value & 15 > 9 for value in (data.size, data.horizontal, data.vertical)):
        yield ("Size or precision is not a digit followed by zeros.", "Round it, for example to 10m or 300m.")


def _dnskey(data: DNSKEY, where: Where) -> Iterator[Refusal]:
    yield (
        (
            "The primary cannot publish keys: it does not decode them, and cannot read them after it wrote"
            " the zone back."
        ),
        "Leave the record out. A zone signed elsewhere needs another primary.",
    )


def _generic(data: Generic, where: Where) -> Iterator[Refusal]:
    known = {1, 2, 5, 6, 12, 15, 16, 28, 29, 33, 43, 44, 48, 52, 64, 65, 257}
    if data.number in known:
        yield (f"TYPE{data.number} has a name of its own.", "Choose the type by its name.")
    elif not 0 < data.number < 65535 or data.number in {10, 41, 46, 47, 50} or 128 <= data.number <= 255:
        yield (f"TYPE{data.number} is not a type of records in zones.", "Remove the record.")
    yield from _bytes(data.data)


def _bytes(data: bytes) -> Iterator[Refusal]:
    if not data:
        yield ("The data are empty, which the primary cannot read.", "Give at least one byte.")
    elif len(data) > MAX_DATA - 4:
        yield (f"The data have {len(data)} bytes; at most {MAX_DATA - 4} fit.", "Shorten them.")


def _numbers(data: Any) -> Iterator[Refusal]:
    for name, most in _LIMITS.items():
        value = getattr(data, name, 0)
        if isinstance(value, int) and not 0 <= value <= most:
            yield (
                f"The {name.replace('_', ' ')} must be from 0 to {most}, not {value}.",
                "Correct the number.",
            )


_LIMITS = {
    "preference": 65535,
    "priority": 65535,
    "weight": 65535,
    "port": 65535,
    "key_tag": 65535,
    "usage": 255,
    "selector": 255,
    "matching": 255,
    "algorithm": 255,
    "hash": 255,
    "digest_type": 255,
}
_LOST = "becomes nothing when the primary writes the zone back, and then it cannot read the file."
_ROOT_FIXES: dict[str, Refusal] = {
    "MX": (
        f"A null MX (“0 .”) {_LOST}",
        "Remove the MX; a name without MX and without addresses gets no mail either.",
    ),
    "SRV": (
        f"A service that points to the root (“.”) {_LOST}",
        "Remove the record: then there is no service.",
    ),
    "CNAME": (f"A target that is only a dot {_LOST}", "Give the full name of the target."),
}
_CHECKS: dict[type, Callable[[Any, Where], Iterator[Refusal]]] = {
    AAAA: _address,
    NS: _host_target,
    MX: _host_target,
    SRV: _host_target,
    CNAME: _pointer,
    PTR: _pointer,
    TXT: _text,
    CAA: _caa,
    TLSA: _tlsa,
    SSHFP: _sshfp,
    DS: _ds,
    DNSKEY: _dnskey,
    LOC: _location,
    SVCB: service_refusals,
    HTTPS: service_refusals,
    Generic: _generic,
}
