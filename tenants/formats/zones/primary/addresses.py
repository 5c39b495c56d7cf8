"""Addresses written as text, read as the OCaml library ipaddr does, whose answers the primary uses.

It takes brackets around an IPv6 address and digits without end, and refuses leading zeros in IPv4.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

__all__ = ["ipv4", "ipv6"]

_HEX = re.compile(rb"[0-9A-Fa-f]++")
_QUAD = re.compile(rb"([0-9]++)\.([0-9]++)\.([0-9]++)\.([0-9]++)")
_INT_BITS = 63  # of OCaml's integers, in which the original counts without a check
_GROUPS = 8


def ipv4(text: bytes) -> IPv4Address | None:
    """Return the address that `text` is for the primary, or None."""
    found = _quad(text, 0)
    return IPv4Address(found[0]) if found and found[1] == len(text) else None


def ipv6(text: bytes) -> IPv6Address | None:
    """Return the address that `text` is for the primary, or None."""
    bracket = text[:1] == b"["
    groups: list[int | None] = []
    position = int(bracket)
    if len(text) < position + 2:
        return None
    if text[position : position + 1] == b":":
        if text[position + 1 : position + 2] != b":":
            return None
        groups, position = [None], position + 2
    found = _groups(text, position, groups)
    if found is None:
        return None
    groups, position = found
    if bracket:
        if text[position : position + 1] != b"]":
            return None
        position += 1
    return _joined(groups) if position == len(text) else None


def _groups(text: bytes, position: int, groups: list[int | None]) -> tuple[list[int | None], int] | None:
    """Read the groups from `position` on; None in the list stands for `::`. The original counts `::` as one
    group at the start and as one more than it fills elsewhere."""
    count = len(groups)
    while count < _GROUPS and position < len(text):
        start = position
        digits = _HEX.match(text, position)
        if not digits:
            break
        position = digits.end()
        value = _wrapped(digits[0], 16)
        if value < 0:
            break
        follows = text[position : position + 1]
        if follows == b":" and count < _GROUPS - 1:
            position += 1
            after = text[position : position + 1]
            if after == b":":
                if None in groups:
                    return [*groups, value], position - 1
                groups += [value, None]
                position += 1
                count += 2
            elif _HEX.match(text, position):
                groups.append(value)
                count += 1
            else:
                return None
        elif follows == b"." and count < _GROUPS - 1:
            quad = _quad(text, start)
            return (([*groups, quad[0] >> 16, quad[0] & 0xFFFF]), quad[1]) if quad else None
        else:
            return [*groups, value], position
    return groups, position


def _joined(groups: list[int | None]) -> IPv6Address | None:
    if len(groups) > _GROUPS or not groups or (None not in groups and len(groups) != _GROUPS):
        return None
    gap = _GROUPS - (len(groups) - 1)
    numbers: list[int] = []
    for group in groups:
        numbers += [0] * gap if group is None else [group]
    if any(number > 0xFFFF for number in numbers):
        return None
    return IPv6Address(b"".join(number.to_bytes(2, "big") for number in numbers))


def _quad(text: bytes, position: int) -> tuple[int, int] | None:
    """Return (address, end) of the dotted address at a place, or None."""
    found = _QUAD.match(text, position)
    if not found or any(len(part) > 1 and part[:1] == b"0" for part in found.groups()):
        return None
    octets = [_wrapped(part, 10) for part in found.groups()]
    if any(not 0 <= octet <= 0xFF for octet in octets):
        return None
    return int.from_bytes(bytes(octets), "big"), found.end()


def _wrapped(digits: bytes, base: int) -> int:
    value = 0
    for digit in digits:
        value = (value * base + int(chr(digit), 16)) & ((1 << _INT_BITS) - 1)
    return value - (1 << _INT_BITS) if value >> (_INT_BITS - 1) else value
