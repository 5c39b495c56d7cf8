"""The seam between the client and the ways to a host: local socket, socket through SSH, TLS endpoint."""

from __future__ import annotations

from typing import Protocol

from workers.albatross.der_write import Parts
from workers.albatross.grammar.envelope import Request


class Connection(Protocol):
    """A connection that serves one command. Every call returns in time or raises TimeoutError; OSError when
    the connection broke."""

    @property
    def carried(self) -> bool:
        """Whether dialling already brought the command, so that it must not be sent again."""

    def send(self, parts: Parts, timeout: float) -> None:
        """Send all of it, without copying."""

    def receive(self, timeout: float) -> bytes:
        """What came in, at most some 64 KiB; empty when the other side closed."""

    def fileno(self) -> int:
        """Something to wait for with `select`."""

    def close(self) -> None:
        """Close it; never raises."""


class Dialer(Protocol):
    """A way to the daemons of one host."""

    def dial(self, request: Request, timeout: float) -> Connection:
        """A fresh connection for this command. Raises Unreachable or NotPermitted; nothing was sent then."""
