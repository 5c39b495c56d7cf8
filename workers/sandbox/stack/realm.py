"""Which loopback address stands for an address of a stack: the one place that says so.

A stack's plan keeps its real addresses (10.0.0.7); the stand-ins listen on loopback (127.77.0.7).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address

from workers.sandbox.listener import loopback

__all__ = ["Realm", "real_port"]

_UNPRIVILEGED = 1000


@dataclass(frozen=True)
class Realm:
    """The loopback addresses of one sandbox: 127.`number`.x.y, several sandboxes have different numbers."""

    number: int = 77

    def __post_init__(self) -> None:
        if not 64 <= self.number <= 127:
            raise ValueError("number: below 64 are the sandbox's own addresses, above 127 those of others")

    def here(self, address: str | IPv4Address) -> str:
        """The loopback address: 10.0.b.c is 127.number.b.c; other networks are shifted in their third number,
        and two whose shifts agree meet. One that is on loopback already stays. Raises ValueError."""
        given = IPv4Address(address)
        if given.is_loopback:
            return str(given)
        first, second, third, fourth = given.packed
        third = (third + 37 * second + 101 * (first - 10)) % 256
        return loopback(f"127.{self.number}.{third}.{fourth}")


@cache
def _may_listen(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except PermissionError:
            return False
        except OSError:
            return True  # somebody else has it: so it can be had
    return True


def real_port(port: int) -> int:
    """The port itself, or 1000 more where this user may not listen there."""
    return port if port >= 1024 or _may_listen(port) else port + _UNPRIVILEGED
