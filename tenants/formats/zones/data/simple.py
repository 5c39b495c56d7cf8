"""What a record says, by type: one immutable value for each line of a zone file.

Every class has `type` (as in the file), `text(name)` (the line's rdata as the primary writes it; `name`
turns a Name into relative or absolute text), and `order` (the primary sorts a record set by it, the greatest
first). Values that the primary would refuse or corrupt can be held, for they occur in files; they are refused
for publication in `rules.data`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, ClassVar, Protocol

from tenants.formats.zones.names import Name

__all__ = [
    "AAAA",
    "CAA",
    "CNAME",
    "MX",
    "NS",
    "PTR",
    "SRV",
    "TXT",
    "A",
    "Data",
    "NameWriter",
    "hex_blocks",
    "ipv6_text",
]

NameWriter = Callable[[Name], bytes]

HEX_BLOCK = 56
"""The primary cuts hex digits into blocks of this many, and ends a full last block with a blank too."""


class Data(Protocol):
    """What all record data have in common; see the module."""

    @property
    def type(self) -> str: ...

    @property
    def order(self) -> Any: ...

    def text(self, name: NameWriter) -> bytes: ...


@dataclass(frozen=True, slots=True)
class A:
    """The IPv4 address of a host (RFC 1035 §3.4.1)."""

    type: ClassVar[str] = "A"
    address: IPv4Address

    @property
    def order(self) -> int:
        return int(self.address)

    def text(self, name: NameWriter) -> bytes:
        return str(self.address).encode()


@dataclass(frozen=True, slots=True)
class AAAA:
    """The IPv6 address of a host (RFC 3596)."""

    type: ClassVar[str] = "AAAA"
    address: IPv6Address

    @property
    def order(self) -> int:
        return int(self.address)

    def text(self, name: NameWriter) -> bytes:
        return ipv6_text(self.address).encode()


@dataclass(frozen=True, slots=True)
class NS:
    """A name server of the owner (RFC 1035 §3.3.11)."""

    type: ClassVar[str] = "NS"
    target: Name

    @property
    def order(self) -> Name:
        return self.target

    def text(self, name: NameWriter) -> bytes:
        return name(self.target)


@dataclass(frozen=True, slots=True)
class CNAME:
    """The name of which the owner is an alias (RFC 1035 §3.3.1)."""

    type: ClassVar[str] = "CNAME"
    target: Name

    @property
    def order(self) -> Name:
        return self.target

    def text(self, name: NameWriter) -> bytes:
        return name(self.target)


@dataclass(frozen=True, slots=True)
class PTR:
    """The name that the owner points to, mostly the host behind an address (RFC 1035 §3.3.12)."""

    type: ClassVar[str] = "PTR"
    target: Name

    @property
    def order(self) -> Name:
        return self.target

    def text(self, name: NameWriter) -> bytes:
        return name(self.target)


@dataclass(frozen=True, slots=True)
class MX:
    """A host that takes mail for the owner; the lowest preference is tried first (RFC 5321 §5)."""

    type: ClassVar[str] = "MX"
    preference: int
    target: Name

    @property
    def order(self) -> tuple[int, Name]:
        return self.preference, self.target

    def text(self, name: NameWriter) -> bytes:
        return b"%d\t%s" % (self.preference, name(self.target))


@dataclass(frozen=True, slots=True)
class SRV:
    """Host and port of a service (RFC 2782)."""

    type: ClassVar[str] = "SRV"
    priority: int
    weight: int
    port: int
    target: Name

    @property
    def order(self) -> tuple[int, int, int, Name]:
        return self.priority, self.weight, self.port, self.target

    def text(self, name: NameWriter) -> bytes:
        return b"%d\t%d\t%d\t%s" % (self.priority, self.weight, self.port, name(self.target))


@dataclass(frozen=True, slots=True)
class TXT:
    """Text (RFC 1035 §3.3.14): the bytes of all its strings joined, as the primary keeps them.

    On the wire it is cut into strings of 255 bytes; readers of SPF, DKIM and DMARC join them again
    (RFC 7208 §3.3).
    """

    type: ClassVar[str] = "TXT"
    value: bytes

    @property
    def order(self) -> bytes:
        return self.value

    def text(self, name: NameWriter) -> bytes:
        return b'"%s"' % self.value


@dataclass(frozen=True, slots=True)
class CAA:
    """Who may issue certificates for the owner (RFC 8659).

    The primary knows one flag, 128: an issuer that does not understand the tag must not issue. `value` is
    kept in the parts in which it was written; they are one value, joined by semicolons.
    """

    type: ClassVar[str] = "CAA"
    critical: bool
    tag: bytes
    value: tuple[bytes, ...]

    @property
    def order(self) -> tuple[bool, bytes, tuple[bytes, ...]]:
        return self.critical, self.tag, self.value

    def text(self, name: NameWriter) -> bytes:
        return b'%d\t%s\t"%s"' % (128 if self.critical else 0, self.tag, b";".join(self.value))


def ipv6_text(address: IPv6Address) -> str:
    """Return an address as the primary writes it: RFC 5952, with dots for IPv4 in IPv6."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else str(address)


def hex_blocks(data: bytes) -> bytes:
    """Return `data` as the primary writes it: upper-case hex, a blank after every 56 digits."""
    digits = data.hex().upper().encode()
    blocks = [digits[start : start + HEX_BLOCK] for start in range(0, len(digits), HEX_BLOCK)]
    if len(digits) % HEX_BLOCK == 0:
        blocks.append(b"")
    return b" ".join(blocks)
