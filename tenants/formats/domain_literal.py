"""Address literals (`[192.0.2.1]`, `[IPv6:…]`, `[tag:text]`) as the OCaml library ipaddr 5 reads them."""

from __future__ import annotations

import ipaddress
import re

_CONTENT = re.compile(rb"[!-Z^-~]+")
_GENERAL = re.compile(rb"([A-Za-z0-9-]+):([!-Z^-~]+)")
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_DECIMAL = re.compile(rb"[0-9]+")
_TAG = b"IPv6:"


def parse_domain_literal(content: bytes) -> tuple[bytes, bytes, bool] | None:
    """Return (kind, value in canonical form, general) of the text between the brackets, or None.

    The choice is ordered: an IPv4 address, then the exact tag `IPv6:`, then any other tag.
    """
    token = _CONTENT.match(content)
    if token is None:
        return None
    four = parse_ipv4(token[0])
    if four is not None:
        return (b"IPv4", four, False) if token.end() == len(content) else None
    if token[0].startswith(_TAG):
        six = parse_ipv6(token[0][len(_TAG) :])
        if six is not None:
            return (b"IPv6", six, False) if token.end() == len(content) else None
    general = _GENERAL.match(content)
    if general is None or general[1].endswith(b"-") or general.end() != len(content):
        return None
    return general[1], general[2], True


def parse_ipv4(text: bytes) -> bytes | None:
    """Return the dotted quad that `text` is as a whole, without leading zeros (none are allowed)."""
    found = _dotted_quad(text, 0)
    if found is None or found[1] != len(text):
        return None
    return str(ipaddress.IPv4Address(found[0])).encode()


def parse_ipv6(text: bytes) -> bytes | None:
    """Return the IPv6 address that `text` is as a whole, in RFC 5952 form."""
    found = _components(text)
    if found is None or found[1] != len(text):
        return None
    parts = found[0]
    numbers = [*parts]
    if None in parts:
        gap = parts.index(None)
        numbers[gap : gap + 1] = [0] * (9 - len(parts))
    if len(numbers) != 8:
        return None
    value = 0
    for number in numbers:
        if number is None or not 0 <= number <= 0xFFFF:
            return None
        value = value << 16 | number
    address = ipaddress.IPv6Address(value)
    if address.ipv4_mapped is not None:
        return b"::ffff:" + str(address.ipv4_mapped).encode()
    return address.compressed.encode()


def _number(text: bytes, at: int, digits: re.Pattern[bytes], base: int) -> tuple[int, int] | None:
    match = digits.match(text, at)
    if match is None:
        return None
    # OCaml's 63-bit integers wrap around; only the last 63 bits of what a long number says count.
    tail = match[0][-64:] if base == 16 else match[0]
    value = (_decimal(tail) if base == 10 else int(tail, 16)) & (1 << 63) - 1
    return (value - (1 << 63) if value >> 62 else value), match.end()


def _decimal(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value * 10 + digit - 0x30 & (1 << 63) - 1
    return value


def _dotted_quad(text: bytes, at: int) -> tuple[int, int] | None:
    value = 0
    for position in range(4):
        if position:
            if text[at : at + 1] != b".":
                return None
            at += 1
        if text[at : at + 1] == b"0" and _DECIMAL.match(text, at + 1):
            return None
        octet = _number(text, at, _DECIMAL, 10)
        if octet is None or not 0 <= octet[0] <= 255:
            return None
        value, at = value << 8 | octet[0], octet[1]
    return value, at


def _components(text: bytes) -> tuple[list[int | None], int] | None:
    """The 16-bit numbers from left to right, None for `::`, and the position after them."""
    parts: list[int | None] = []
    at = count = 0
    if text.startswith(b":"):
        if not text.startswith(b"::"):
            return None
        parts, at, count = [None], 2, 1
    while count < 8 and at < len(text):
        found = _number(text, at, _HEX, 16)
        if found is None:
            break
        start, (value, at) = at, found
        if value < 0:
            break
        following = text[at : at + 1]
        if count < 7 and following == b".":
            quad = _dotted_quad(text, start)
            if quad is None:
                return None
            return [*parts, quad[0] >> 16, quad[0] & 0xFFFF], quad[1]
        parts.append(value)
        if count == 7 or following != b":":
            break
        after = text[at + 1 : at + 2]
        if after == b":":
            if None in parts:
                break
            parts.append(None)
            at, count = at + 2, count + 2
        elif _HEX.match(after):
            at, count = at + 1, count + 1
        else:
            return None
    return (parts, at) if parts else None
