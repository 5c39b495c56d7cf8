"""Which addresses are of the public Internet: all others may be doors into somebody's own network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet can be meant. Addresses that lead to an IPv4 address inside them are
    judged by that one, and tunnels that nobody needs any more are refused."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _SIX_TO_FOUR or address in _TEREDO:
            return False
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def may_be_named(address: Address, near: Iterable[Network]) -> bool:
    """Whether workers dial it at an organization's word: public, or in a network that is allowed, too."""
    return is_public(address) or any(address in network for network in near)
