"""Where everything of the sandbox listens."""

from __future__ import annotations

from dataclasses import dataclass

from workers.sandbox.dns_listener import DNS_PORT
from workers.sandbox.listener import loopback

__all__ = ["Addresses"]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens: 127.0.<block>.1 git, .2 mailroom, .3 resolver, .4 primary name server, .5 the
    one above it, .6 albatross, .7 its build server, .8 the mail server in front of domains, .(20 + n) domain
    number n, .241 to .244 what is public of mail stacks.

    With `free_ports` every port is chosen by the system (several sandboxes at once); `status` tells them.
    """

    block: int = 10
    free_ports: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.block <= 255:
            raise ValueError("block: the third number of a loopback address goes from 0 to 255")

    def git(self) -> tuple[str, int]:
        """The git host."""
        return self._at(1, 2222)

    def mailroom(self) -> tuple[str, int]:
        """The mailroom, to which the panel sends."""
        return self._at(2, 2525)

    def resolver(self) -> tuple[str, int]:
        """The resolver, which workers ask about target domains (UDP and TCP)."""
        return self._at(3, 1053)

    def primary(self) -> tuple[str, int]:
        """The primary name server (UDP and TCP)."""
        return self._at(4, DNS_PORT)

    def registry(self) -> tuple[str, int]:
        """The name server of the zones above (UDP and TCP)."""
        return self._at(5, DNS_PORT)

    def albatross(self) -> tuple[str, int]:
        """The TLS endpoint of the albatross host."""
        return self._at(6, 1025)

    def builds(self) -> tuple[str, int]:
        """The build server (TLS)."""
        return self._at(7, 1443)

    def door(self) -> tuple[str, int]:
        """The mail server in front of those of domains (SMTP with STARTTLS)."""
        return self._at(8, 1025)

    def public(self) -> list[str]:
        """The public addresses that the host has for mail stacks."""
        return [self._at(last, 0)[0] for last in range(241, 245)]

    def submission(self, number: int) -> tuple[str, int]:
        """The submission server of a domain (TLS)."""
        return self._at(20 + number, 1465)

    def relay(self, number: int) -> tuple[str, int]:
        """The relay of a domain, which is its MX too (plain SMTP)."""
        return self._at(20 + number, 1025)

    def _at(self, last: int, port: int) -> tuple[str, int]:
        return loopback(f"127.0.{self.block}.{last}"), 0 if self.free_ports else port
