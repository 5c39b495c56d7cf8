"""TSIG keys: the files `<zone>._keys` of a zone repository, and what the name of a key permits.

The right-most label among `_update`, `_transfer` and `_notify` is the right; what follows it is the zone,
with everything below. A file that the primary cannot read loses all its keys, and is copied whole into the
primary's console: so every line is read back before it is written.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import AddressValueError, IPv4Address

from tenants.formats.text import FormatError
from tenants.formats.zones.data.digests import DNSKEY
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.advice import line_of
from tenants.formats.zones.primary.dialect import DIALECTS, NEW, Dialect
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.reader import read_records
from tenants.formats.zones.rules.names import name_refusal

__all__ = [
    "ALGORITHMS",
    "KeyFile",
    "Right",
    "TsigKey",
    "addresses_of",
    "emit_keys",
    "key_file_name",
    "read_keys",
    "scope_of",
]

ALGORITHMS = {161: "SHA1", 162: "SHA224", 163: "SHA256", 164: "SHA384", 165: "SHA512"}
"""DNSKEY numbers of the HMACs that the primary signs with, by their names in a unikernel's arguments."""
_NUMBERS = {name: number for number, name in ALGORITHMS.items()}
_MIN_SECRET = 16
_PROTOCOL = 3


class Right(Enum):
    """What a key may do. Each allows what the next allows too."""

    UPDATE = "_update"
    TRANSFER = "_transfer"
    NOTIFY = "_notify"


@dataclass(frozen=True)
class TsigKey:
    """A key: its full name, the HMAC as in ALGORITHMS, and the secret in base64."""

    name: Name
    algorithm: str
    secret: str = field(repr=False)

    def unikernel_string(self) -> str:
        """Return `name:SHA256:secret`, as unikernels and their tools take it. A secret."""
        return f"{_bare(self.name)}:{self.algorithm}:{self.secret}"


@dataclass(frozen=True)
class KeyFile:
    """The keys that the primary takes from a file, and why it ignores the others."""

    keys: tuple[TsigKey, ...]
    ignored: tuple[str, ...] = ()


def key_file_name(zone: Name) -> str:
    """Return the file that holds the keys of a zone; the root's, which cover every zone, is `_keys`."""
    return f"{_bare(zone.lower)}._keys" if zone.labels else "_keys"


def scope_of(name: Name) -> tuple[Right, Name] | None:
    """Return the right that a key's name gives and the zone it covers, or None: it gives none."""
    for position in range(len(name.labels) - 1, -1, -1):
        label = name.labels[position].lower()
        for right in Right:
            if label == right.value.encode():
                return right, Name(name.labels[position + 1 :])
    return None


def addresses_of(name: Name) -> tuple[IPv4Address | None, IPv4Address | None]:
    """Return the primary's and the secondary's address in the name of a transfer key.

    `P.P.P.P.S.S.S.S._transfer.<zone>` makes the primary notify S, signed; with four numbers there is no
    secondary. IPv4 only.
    """
    scope = scope_of(name)
    if not scope or scope[0] is not Right.TRANSFER:
        return None, None
    before = name.labels[: len(name.labels) - len(scope[1].labels) - 1]
    near, far = _ipv4(before[-4:]), _ipv4(before[-8:-4])
    return (far, near) if far and near else (near, None)


def emit_keys(zone: Name, keys: Iterable[TsigKey]) -> bytes:
    """Return the file of a zone's keys, sorted by name, one line each.

    Raises FormatError for a key that the primary would ignore or could not use, and for one that would spoil
    the file. No secret is in any message.
    """
    ordered = sorted(keys, key=lambda key: key.name.key)
    for key in ordered:
        _check_key(key, zone)
    if len({key.name for key in ordered}) < len(ordered):
        raise FormatError(
            "name", "Two keys with the same name: the primary would ignore both.", "Rename one."
        )
    return b"".join(_line(key) for key in ordered)


def read_keys(data: bytes, zone: Name, dialect: Dialect = NEW) -> KeyFile:
    """Return the keys that the primary takes from the key file of `zone`.

    Raises UnreadableError when it takes none of them; the reason never holds a secret.
    """
    try:
        records = read_records(data, dialect)
    except UnreadableError as error:
        line = line_of(data, error.position or 0)
        raise UnreadableError(f"The key file cannot be read from line {line} on.", error.position) from None
    found: dict[Name, list[DNSKEY]] = {}
    ignored: list[str] = []
    for record in records:
        if not record.owner.within(zone):
            ignored.append(f"{record.owner.short} lies outside {zone.short}.")
        elif isinstance(record.data, DNSKEY):
            known = found.setdefault(record.owner, [])
            if record.data not in known:
                known.append(record.data)
        else:
            ignored.append(f"{record.owner.short} is not a key.")
    keys: list[TsigKey] = []
    for name, values in found.items():
        reason = _useless(name, values)
        if reason:
            ignored.append(f"{name.short} {reason}")
        else:
            algorithm, secret = ALGORITHMS[values[0].algorithm], values[0].key.decode("latin-1")
            keys.append(TsigKey(name, algorithm, secret))
    return KeyFile(tuple(keys), tuple(ignored))


def _check_key(key: TsigKey, zone: Name) -> None:
    def refuse(problem: str, fix: str) -> FormatError:
        return FormatError("name", f"{key.name.short} {problem}", fix)

    scope = scope_of(key.name)
    if scope is None:
        raise refuse(
            "gives no right.", "Put _update, _transfer or _notify before the zone: a._update.example.org."
        )
    if not scope[1].within(zone):
        raise refuse(f"does not lie in {zone.short}.", "Put it into the file of its own zone.")
    refusal = name_refusal(key.name, ROOT, DIALECTS)
    if refusal:
        raise FormatError("name", *refusal)
    if key.algorithm not in _NUMBERS:
        raise FormatError("algorithm", "The primary does not know this algorithm.", "Use SHA256.")
    if not (decoded := _decoded(key.secret)) or len(decoded) < _MIN_SECRET:
        raise FormatError(
            "secret", f"The secret is not base64 of at least {_MIN_SECRET} bytes.", "Generate a new one."
        )
    for dialect in DIALECTS:
        if not _reads_back(key, dialect):
            raise FormatError(
                "secret", "The primary would misread this key.", "Generate a new secret, or rename it."
            )


def _reads_back(key: TsigKey, dialect: Dialect) -> bool:
    try:
        return read_keys(_line(key), ROOT, dialect).keys == (key,)
    except UnreadableError:
        return False


def _line(key: TsigKey) -> bytes:
    number = _NUMBERS[key.algorithm]
    return b"%s DNSKEY 0 %d %d %s\n" % (key.name.absolute, _PROTOCOL, number, key.secret.encode())


def _useless(name: Name, values: list[DNSKEY]) -> str:
    if len(values) > 1:
        return "is there twice, so neither counts."
    if scope_of(name) is None:
        return "gives no right: it has none of _update, _transfer and _notify."
    if values[0].algorithm not in ALGORITHMS:
        return "has an algorithm that the primary does not sign with."
    if not _decoded(values[0].key.decode("latin-1")):
        return "has a secret that is not base64."
    return ""


def _decoded(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _ipv4(labels: tuple[bytes, ...]) -> IPv4Address | None:
    try:
        return IPv4Address(b".".join(labels).decode("latin-1"))
    except AddressValueError:
        return None


def _bare(name: Name) -> str:
    return str(name).removesuffix(".")
