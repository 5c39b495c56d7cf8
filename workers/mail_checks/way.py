"""Which addresses and ports the checks may dial. Names that people write lead anywhere, also into networks
that only we can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

from workers.outward import is_public

__all__ = ["Way", "inside_sandbox", "outward"]

Way = Callable[[str, int], int]
"""The port to dial for one at an IP address. Raises OSError for what must not be dialled."""


def outward(servers: Mapping[str, int] | None = None) -> Way:
    """Public addresses; and name servers that somebody entered as ours, with their ports."""

    def way(address: str, port: int) -> int:
        if servers and port == 53 and address in servers:
            return servers[address]
        if not is_public(ipaddress.ip_address(address)):
            raise OSError("it is no public address")
        return port

    return way


def inside_sandbox(ports: Mapping[tuple[str, int], int]) -> Way:
    """Addresses of this machine alone; `ports` has those that listen on another port than they should."""

    def way(address: str, port: int) -> int:
        if not ipaddress.ip_address(address).is_loopback:
            raise OSError("it lies outside the sandbox")
        return ports.get((address, port), port)

    return way
