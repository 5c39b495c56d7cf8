"""A port that a host reaches, used like a socket."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Protocol

from workers.albatross.dialer import Connection
from workers.albatross.errors import AlbatrossError

__all__ = ["PortDialer", "dial_plug"]


class PortDialer(Protocol):
    """A way to ports that a host reaches."""

    def dial_port(self, address: IPv4Address, port: int, timeout: float) -> Connection:
        """Raises Unreachable."""


class PortPlug:
    """See workers.plug."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection, self._timeout, self._kept = connection, timeout, b""

    def settimeout(self, value: float | None, /) -> None:
        self._timeout = self._timeout if value is None else value

    def recv(self, bufsize: int, /) -> bytes:
        if not self._kept:
            self._kept = self._connection.receive(self._timeout)
        part, self._kept = self._kept[:bufsize], self._kept[bufsize:]
        return part

    def send(self, data: bytes, /) -> int:
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes, /) -> None:
        self._connection.send((data,), self._timeout)

    def close(self) -> None:
        self._connection.close()


def dial_plug(dialer: PortDialer, address: IPv4Address, port: int, timeout: float) -> PortPlug:
    """Connect. Raises OSError with the reason, in words to show."""
    try:
        return PortPlug(dialer.dial_port(address, port, timeout), timeout)
    except AlbatrossError as problem:
        raise ConnectionError(problem.sentence) from None
