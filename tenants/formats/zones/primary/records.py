"""The data of one record, read as ptt's primary reads it; one function for each type."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.services import HTTPS, SVCB
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
from tenants.formats.zones.primary.addresses import ipv6
from tenants.formats.zones.primary.cursor import Cursor
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.location import read_location
from tenants.formats.zones.primary.services import read_parameters
from tenants.formats.zones.zone import Soa

__all__ = ["read_data", "read_generic"]

MAX_RDATA = 64641
"""Bytes of one record's data, so that an answer with it and a signature fits into 65535."""
MAX_TEXT = 65279
"""Bytes of one TXT record: 65535 less a length byte for every 255."""
_MAX_8, _MAX_16, _MAX_32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_KEY_FLAGS = 256 | 128 | 1


def read_data(cursor: Cursor, record_type: str) -> Data | Soa:
    """Read the data after a type in upper case, which the dialect must know. Raises UnreadableError."""
    return _READERS[record_type](cursor)


def read_generic(cursor: Cursor, number: int) -> Generic:
    r"""Read `\# <length> <hex>` (RFC 3597 §5). Raises UnreadableError, also for types with a name."""
    if number > _MAX_16:
        raise cursor.fail(f"TYPE{number} does not exist: types end at 65535.")
    if cursor.token.kind != "generic":
        raise cursor.expected(r"\#")
    cursor.advance()
    cursor.blank()
    length = cursor.number(10**20 - 1)
    cursor.blank()
    start = cursor.token.start
    data = cursor.hex()
    if len(data) != length:
        raise UnreadableError(f"The data have {len(data)} bytes, not {length} as stated before them.", start)
    _check_size(len(data), start)
    if number in cursor.dialect.known_numbers:
        raise UnreadableError(f"TYPE{number} must be written with the type's name.", start)
    return Generic(number, data)


def _soa(cursor: Cursor) -> Soa:
    primary = cursor.name()
    cursor.blank()
    mailbox = cursor.name()
    numbers: list[int] = []
    for _ in range(5):
        cursor.blank()
        numbers.append(cursor.number(_MAX_32))
    return Soa(primary, mailbox, *numbers)


def _a(cursor: Cursor) -> A:
    octets = [cursor.number(_MAX_8)]
    for _ in range(3):
        if cursor.token.kind != "dot":
            raise cursor.expected("A dot (an IPv4 address has four numbers)")
        cursor.advance()
        octets.append(cursor.number(_MAX_8))
    return A(IPv4Address(bytes(octets)))


def _aaaa(cursor: Cursor) -> AAAA:
    start = cursor.token.start
    text = cursor.text()
    address = ipv6(text)
    if address is None:
        raise UnreadableError("This is not an IPv6 address that the primary reads.", start)
    return AAAA(address)


def _mx(cursor: Cursor) -> MX:
    preference = cursor.number(_MAX_16)
    cursor.blank()
    return MX(preference, cursor.host())


def _srv(cursor: Cursor) -> SRV:
    priority, weight, port = (_then_blank(cursor, _MAX_16) for _ in range(3))
    return SRV(priority, weight, port, cursor.host())


def _ptr(cursor: Cursor) -> PTR:
    return PTR(cursor.name() if cursor.dialect.any_pointer else cursor.host())


def _txt(cursor: Cursor) -> TXT:
    start = cursor.token.start
    value = b"".join(cursor.texts())
    if len(value) > MAX_TEXT:
        raise UnreadableError(f"The text has {len(value)} bytes; one TXT record holds {MAX_TEXT}.", start)
    return TXT(value)


def _caa(cursor: Cursor) -> CAA:
    flags = _then_blank(cursor, _MAX_8)
    start = cursor.token.start
    tag = cursor.text()
    if not 0 < len(tag) < 16:
        raise UnreadableError("The tag of a CAA record has 1 to 15 characters.", start)
    cursor.blank()
    value = tuple(cursor.texts())
    _check_size(len(tag) + sum(len(part) + 1 for part in value) + 1, start)
    return CAA(flags == 128, tag, value)


def _tlsa(cursor: Cursor) -> TLSA:
    usage, selector, matching = (_then_blank(cursor, _MAX_8) for _ in range(3))
    return TLSA(usage, selector, matching, _sized(cursor, 3))


def _sshfp(cursor: Cursor) -> SSHFP:
    algorithm, kind = (_then_blank(cursor, _MAX_8) for _ in range(2))
    return SSHFP(algorithm, kind, _sized(cursor, 2))


def _ds(cursor: Cursor) -> DS:
    key_tag, algorithm, kind = (_then_blank(cursor, limit) for limit in (_MAX_16, _MAX_8, _MAX_8))
    return DS(key_tag, algorithm, kind, _sized(cursor, 4))


def _dnskey(cursor: Cursor) -> DNSKEY:
    flags = _then_blank(cursor, _MAX_16)
    start = cursor.token.start
    if _then_blank(cursor, _MAX_8) != 3:
        raise UnreadableError("The protocol of a DNSKEY must be 3.", start)
    algorithm = _then_blank(cursor, _MAX_8)
    key = cursor.text()
    _check_size(len(key) + 4, start)
    return DNSKEY(flags & _KEY_FLAGS, algorithm, key)


def _service(kind: type[SVCB]) -> Callable[[Cursor], SVCB]:
    def read(cursor: Cursor) -> SVCB:
        priority = _then_blank(cursor, _MAX_16)
        start = cursor.token.start
        target = cursor.host()
        parameters = read_parameters(cursor, priority)
        if priority == 0 and not target.key and (parameters or kind is HTTPS):
            raise UnreadableError("An alias (priority 0) needs a target.", start)
        return kind(priority, target, parameters)

    return read


def _then_blank(cursor: Cursor, limit: int) -> int:
    value = cursor.number(limit)
    cursor.blank()
    return value


def _sized(cursor: Cursor, before: int) -> bytes:
    start = cursor.token.start
    data = cursor.hex()
    _check_size(len(data) + before, start)
    return data


def _check_size(size: int, start: int) -> None:
    if size > MAX_RDATA:
        raise UnreadableError(f"The record has {size} bytes of data; at most {MAX_RDATA} fit.", start)


_READERS: dict[str, Callable[[Cursor], Data | Soa]] = {
    "SOA": _soa,
    "A": _a,
    "AAAA": _aaaa,
    "NS": lambda cursor: NS(cursor.host()),
    "CNAME": lambda cursor: CNAME(cursor.name()),
    "PTR": _ptr,
    "MX": _mx,
    "SRV": _srv,
    "TXT": _txt,
    "CAA": _caa,
    "TLSA": _tlsa,
    "SSHFP": _sshfp,
    "DS": _ds,
    "DNSKEY": _dnskey,
    "LOC": read_location,
    "SVCB": _service(SVCB),
    "HTTPS": _service(HTTPS),
}
