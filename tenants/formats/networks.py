"""Subnets of bridges, and which of their addresses are given to unikernels."""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from ipaddress import IPv4Address, IPv4Network
from typing import TypedDict

from tenants.formats.text import FormatError, printable

_LARGEST, _SMALLEST = 16, 30
# "This" network, loopback, link-local, multicast and what is reserved (RFC 6890).
_NOT_FOR_HOSTS = tuple(
    IPv4Network(each) for each in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
)


class NetworkPlan(TypedDict):
    """As stored: subnet, gateway, and the first and last address that unikernels get."""

    subnet: str
    gateway: str
    first: str
    last: str


def check_network(subnet: str, *, gateway: str = "", first: str = "", last: str = "") -> NetworkPlan:
    """Return a network as stored; what is left empty is the usual: the first address is the gateway's.

    A public subnet that is routed to the host is fine. Raises FormatError for one that no unikernel can live
    in (loopback, link-local, multicast, reserved) or of a silly size, and for addresses outside of it.
    """
    try:
        network = IPv4Network(subnet.strip())
    except ValueError as error:
        raise FormatError(
            "subnet", f"“{printable(subnet, 40)}” is no subnet.", "Write it like 10.0.0.0/24."
        ) from error
    if not _LARGEST <= network.prefixlen <= _SMALLEST:
        raise FormatError("subnet", f"/{network.prefixlen} is an unusual size.", "Use /16 to /30.")
    if any(network.overlaps(each) for each in _NOT_FOR_HOSTS):
        raise FormatError(
            "subnet",
            f"{network} is no subnet for machines.",
            "Use a private one such as 10.0.0.0/24, or a public one that is routed to the host.",
        )
    hosts = [network.network_address + 1, network.broadcast_address - 1]
    way = _inside(gateway, network, "gateway") if gateway.strip() else hosts[0]
    start = _inside(first, network, "first") if first.strip() else hosts[0]
    end = _inside(last, network, "last") if last.strip() else hosts[1]
    if start > end:
        raise FormatError("last", f"{end} comes before {start}.", "Write the lower address first.")
    return NetworkPlan(subnet=str(network), gateway=str(way), first=str(start), last=str(end))


def next_free(plan: NetworkPlan, taken: Container[str]) -> str | None:
    """The lowest address of the pool that nobody has; None when all are given."""
    at, last = IPv4Address(plan["first"]), IPv4Address(plan["last"])
    while at <= last:
        if str(at) != plan["gateway"] and str(at) not in taken:
            return str(at)
        at += 1
    return None


def check_address(value: str, plan: NetworkPlan, *, field: str) -> str:
    """Return an address of the subnet that a unikernel may have. Raises FormatError."""
    address = _inside(value, IPv4Network(plan["subnet"]), field)
    if str(address) == plan["gateway"]:
        raise FormatError(field, f"{address} is the gateway's.", "Choose another address.")
    return str(address)


def _inside(value: str, network: IPv4Network, field: str) -> IPv4Address:
    try:
        address = ipaddress.IPv4Address(value.strip())
    except ValueError as error:
        raise FormatError(
            field, f"“{printable(value, 40)}” is no IPv4 address.", "Write it like 10.0.0.5."
        ) from error
    if address not in network or address in {network.network_address, network.broadcast_address}:
        raise FormatError(field, f"{address} is no address of {network}.", "Choose one inside.")
    return address
