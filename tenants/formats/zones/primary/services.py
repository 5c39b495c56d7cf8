"""The parameters of SVCB and HTTPS, read as ptt's primary reads them: mostly RFC 9460 without its escapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from tenants.formats.text import printable
from tenants.formats.zones.data.services import (
    KEY_NAMES,
    Alpn,
    Ipv4Hint,
    Ipv6Hint,
    KeyValue,
    Mandatory,
    NoDefaultAlpn,
    Parameter,
    Port,
)
from tenants.formats.zones.primary.addresses import ipv4, ipv6
from tenants.formats.zones.primary.cursor import Cursor
from tenants.formats.zones.primary.errors import UnreadableError

__all__ = ["read_parameters"]

_INTEGER = re.compile(
    rb"([-+]?)(?:0[xX]([0-9a-fA-F][0-9a-fA-F_]*+)|0[oO]([0-7][0-7_]*+)|0[bB]([01][01_]*+)"
    rb"|0[uU]([0-9][0-9_]*+)|([0-9][0-9_]*+))"
)
Address = TypeVar("Address", IPv4Address, IPv6Address)
_BASES = (16, 8, 2, 10, 10)
_KEYS_BY_NAME = {name.encode(): number for number, name in KEY_NAMES.items() if number != 5}


def read_parameters(cursor: Cursor, priority: int) -> tuple[Parameter, ...]:
    """Read the parameters that follow a target, if any; sorted by key, as on the wire.

    Raises UnreadableError: unknown or repeated keys, parameters of an alias (priority 0), a `mandatory` key
    that is missing.
    """
    found: list[Parameter] = []
    while cursor.token.kind == "space":
        cursor.blank()
        if cursor.token.kind != "parameter":
            raise cursor.expected("A parameter such as alpn=h2")
        start = cursor.token.start
        try:
            found.append(_parameter(cursor.advance().value))
        except UnreadableError as error:
            raise UnreadableError(error.reason, start) from None
    numbers = {item.number for item in found}
    if len(numbers) != len(found):
        raise cursor.fail("A parameter is given twice.")
    if found and priority == 0:
        raise cursor.fail("An alias (priority 0) has no parameters.")
    for item in found:
        if isinstance(item, Mandatory):
            _check_mandatory(cursor, item, numbers)
    return tuple(sorted(found, key=lambda item: item.number))


def _check_mandatory(cursor: Cursor, item: Mandatory, numbers: set[int]) -> None:
    if len(set(item.keys)) != len(item.keys) or not numbers.issuperset(item.keys):
        raise cursor.fail("“mandatory” names each key once, and only keys that the record has.")


def _parameter(text: bytes) -> Parameter:
    parts = text.split(b"=")
    if len(parts) == 1:
        return NoDefaultAlpn()
    if len(parts) != 2:
        raise UnreadableError(f"{printable(text, 80)} has more than one “=”.")
    key, value = parts
    read = _BY_NAME.get(key)
    return read(value) if read else KeyValue(_other_key(key), value)


def _hints(value: bytes) -> list[bytes]:
    return value.replace(b'"', b"").split(b",")


def _needed(address: Address | None, text: bytes) -> Address:
    if address is None:
        raise UnreadableError(f"{printable(text, 60)} is not an address.")
    return address


def _mandatory_key(name: bytes) -> int:
    return _KEYS_BY_NAME.get(name) or _other_key(name)


def _other_key(name: bytes) -> int:
    if not name.startswith(b"key"):
        raise UnreadableError(f"The primary does not know the parameter {printable(name, 40)}.")
    number = _integer(name[3:])
    if number <= 6:
        raise UnreadableError(f"{printable(name, 40)} must be written with its own name, or is reserved.")
    return number


def _integer(text: bytes) -> int:
    """Return a number as OCaml reads it: signs, bases and underscores are allowed, 63 bits kept."""
    found = _INTEGER.fullmatch(text)
    if not found or len(text) > 80:
        raise UnreadableError(f"{printable(text, 40)} is not a number.")
    sign, groups = found[1], found.groups()[1:]
    which = next(index for index, group in enumerate(groups) if group is not None)
    value = int(groups[which].replace(b"_", b""), _BASES[which])
    value = -value if sign == b"-" else value
    if which == len(groups) - 1:
        if not -(2**62) <= value < 2**62:
            raise UnreadableError(f"{printable(text, 40)} is beyond reason.")
        return value
    if abs(value) >= 2**63:
        raise UnreadableError(f"{printable(text, 40)} is beyond reason.")
    return (value + 2**62) % 2**63 - 2**62


_BY_NAME: dict[bytes, Callable[[bytes], Parameter]] = {
    b"mandatory": lambda value: Mandatory(tuple(sorted(map(_mandatory_key, value.split(b","))))),
    b"alpn": lambda value: Alpn(tuple(value.split(b","))),
    b"port": lambda value: Port(_integer(value)),
    b"ipv4hint": lambda value: Ipv4Hint(tuple(_needed(ipv4(part), part) for part in _hints(value))),
    b"ipv6hint": lambda value: Ipv6Hint(tuple(_needed(ipv6(part), part) for part in _hints(value))),
}
