"""Conventional services in the place of a role: Unbound as resolver, OpenDKIM behind Postfix as signer.

Each has an address and is probed like the role; Rookery manages the rest around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.text import FormatError, printable


@dataclass(frozen=True)
class Conventional:
    """A service that Rookery does not run, in the place of a role."""

    role: str
    address: str
    port: int


def check_conventional(role: str, address: str, port: int | None = None) -> Conventional:
    """Return a service in the place of a role. Raises FormatError (fields `role`, `address`, `port`).

    The hops of the mail stack speak only to port 25 and to port 53, so those roles cannot be elsewhere.
    """
    known = ROLES.get(role)
    if known is None:
        raise FormatError("role", f"There is no role “{printable(role, 40)}”.", "Use one of the eight.")
    try:
        place = IPv4Address(address.strip())
    except ValueError:
        place = None
    if place is None or place.is_multicast or place.is_unspecified or place.is_loopback:
        raise FormatError(
            "address",
            f"“{printable(address, 40)}” is no address that unikernels can reach.",
            "Write an IPv4 address such as 10.0.0.20.",
        )
    expected = known.ports[0].number if known.ports else 0
    if port is not None and port != expected:
        raise FormatError(
            "port",
            f"Others reach a {known.title} at port {expected} only." if expected else "It has no port.",
            f"Let it listen at {expected}." if expected else "Leave the port out.",
        )
    return Conventional(role, str(place), expected)
